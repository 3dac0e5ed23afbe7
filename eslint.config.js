import tseslint from 'typescript-eslint';

const absentInQuickjs = [
  ...['Buffer', 'console', 'process', 'TextDecoder', 'TextEncoder', 'URL', 'setTimeout', 'structuredClone'],
  ...['Date', 'Promise', 'Proxy', 'WeakRef', 'eval', 'Function'],
].map((name) => ({ name, message: 'the rt binary does not have it; see native/host/engine.c' }));

/** A function of more than 60 lines has its reason here. */
const mayBeLong = {
  'src/plan/index.ts': 'the order of all operations is one list',
  'src/kernel/errno.ts': 'a table',
  'test/fake-host.ts': 'a table of functions',
  'src/host/native.test.ts': 'the cases of a binding, for both bindings',
  'conformance/faults/commands.ts': 'a table of commands',
  'conformance/engines/kubernetes.test.ts': 'one case: the life of a cluster',
};

/** What the kernel calls its numbers: all of them are in src/kernel, from its headers. */
const kernelName =
  '/^(E(2BIG|[A-Z]{2,})|(O|S|LOCK|CLONE|MS|MOUNT_ATTR|MNT|AT|F|PR|SOCK|RLIMIT|SCHED|IOPRIO|MPOL|PER|CAP|SECCOMP|BPF|AUDIT' +
  '|EM|PT|PF|KEY|RESOLVE)_\\w+|SIG[A-Z]+|POLL[A-Z]+|\\w+_MAGIC)$/';
const nonzero = '[raw=/^(0[xob]|[1-9])/]';
/** Permission bits have four digits. */
const beyondPermissions = '[raw=/^(0x|0o[0-7]{5})/]';
const kernelNumbers = [
  [`VariableDeclarator[id.name=${kernelName}]:has(Literal${nonzero})`, 'a number of the kernel'],
  [`ArrayPattern > Identifier[name=${kernelName}]`, 'a number of the kernel'],
  [`Property[key.name=${kernelName}] > Literal.value${nonzero}`, 'a number of the kernel'],
  [`Property[key.name=${kernelName}] > BinaryExpression.value Literal.right${nonzero}`, 'a number of the kernel'],
  ['Literal[raw=/^0o[0-7]{5}/]', 'more than permission bits'],
  [`CallExpression[callee.object.name="native"] > Literal${beyondPermissions}`, 'a flag of the kernel'],
  [
    `CallExpression[callee.object.name="native"] > BinaryExpression Literal${beyondPermissions}`,
    'a flag of the kernel',
  ],
  [
    `CallExpression[callee.property.name=/^(open|writeText|flock|connect|signalProcess|pidfdSignal)$/] > Literal[raw=/^[1-9]/]:nth-child(2)`,
    'a number of the kernel',
  ],
  [
    `Property[key.name=/^(flags|cloneFlags|type|set|clear|attributes)$/] > Literal.value[raw=/^0x/]`,
    'a flag of the kernel',
  ],
].map(([selector, what]) => ({ selector, message: `${what}: take it from src/kernel (schema/kernel.ts)` }));

export default tseslint.config(
  { ignores: ['build', '.tap', 'schema/generated'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: false }],
    },
  },
  {
    // Scripts that run without a compiler: no types to check, or to write.
    files: ['**/*.js', '**/*.mjs'],
    ...tseslint.configs.disableTypeChecked,
    languageOptions: {
      ...tseslint.configs.disableTypeChecked.languageOptions,
      globals: { console: 'readonly', process: 'readonly', native: 'writable' },
    },
    rules: {
      ...tseslint.configs.disableTypeChecked.rules,
      '@typescript-eslint/explicit-module-boundary-types': 'off',
      'no-console': 'off',
      'no-restricted-exports': 'off',
      'no-undef': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['**/*.test.ts', 'src/plan/snapshots/cases.ts', 'src/host/node.ts', 'src/host/main-*.ts', 'src/api/**'],
    rules: {
      'no-restricted-globals': ['error', ...absentInQuickjs],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'its seed is fixed at build time, see native/host/arena.h' },
      ],
    },
  },
  {
    ignores: Object.keys(mayBeLong),
    rules: { 'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }] },
  },
  {
    files: ['src/**/*.ts', 'schema/**/*.ts', 'native/build/**', 'conformance/harness/**'],
    // The rehearsal is a script, which cannot import.
    ignores: ['src/kernel/**', 'schema/kernel.ts', 'native/build/rehearsal.js'],
    rules: { 'no-restricted-syntax': ['error', ...kernelNumbers] },
  },
  {
    // Here a value is checked that has its type only after the check: null stands where the type has a member.
    files: ['src/bundle/**'],
    rules: { '@typescript-eslint/no-unnecessary-condition': 'off' },
  },
  {
    files: ['**/*.test.ts', 'schema/build/**', 'conformance/**'],
    rules: {
      'no-console': 'off',
      '@typescript-eslint/no-floating-promises': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    // The type of a table says those of the functions in it, also of the ones in a call.
    files: ['conformance/errors/triggers/**'],
    rules: { '@typescript-eslint/explicit-module-boundary-types': 'off' },
  },
);
