/** Version of the OCI runtime specification that rt implements. */
export const specVersion = '1.3.0';
