/**
 * The absolute path without empty, `.` and `..` components: `..` stops at the root, a relative path starts there, and
 * symbolic links are not followed.
 */
export function normalizePath(path: string): string {
  if (!path.includes('//') && !path.includes('/.') && path.startsWith('/') && (path === '/' || !path.endsWith('/'))) {
    return path;
  }
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** Whether an absolute path is in the directory `above`, both normalized. */
export function isBelow(path: string, above: string): boolean {
  return path.startsWith(above === '/' ? above : `${above}/`) && path !== above;
}
