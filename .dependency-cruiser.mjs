/**
 * Which folder may import from which, for everything that is TypeScript or JavaScript. An import of a type counts.
 * Data flows bundle -> plan -> launch -> state, effects are sorted by subject, and imports only look back along that. A
 * folder that is not here imports nothing of another.
 */
const upToPlan = ['src/kernel', 'src/diag', 'src/host', 'src/bundle', 'src/facts', 'src/plan', 'schema/generated'];
const mayImport = {
  'src/kernel': [],
  'schema/generated': ['src/launch/fields.ts'],
  'src/diag': ['src/kernel', 'src/host', 'schema/generated', 'schema/errors.ts'],
  'src/host': [],
  'src/host/main-': ['src/host', 'src/cli', 'src/plan/seccomp/architectures.ts'],
  'src/bundle': ['src/kernel', 'src/diag', 'src/host', 'schema/generated'],
  'src/facts': ['src/kernel', 'src/diag', 'src/host'],
  'src/plan': ['src/kernel', 'src/diag', 'src/bundle', 'src/facts', 'schema/generated'],
  'src/explain': ['src/kernel', 'src/diag', 'src/bundle', 'src/facts', 'src/plan', 'schema/generated'],
  'src/page': [...upToPlan, 'src/explain', 'conformance/configs'],
  'src/words': ['src/kernel', 'src/diag', 'src/bundle', 'src/plan', 'schema/generated'],
  'src/hooks': ['src/kernel', 'src/diag', 'src/host', 'src/plan', 'src/words', 'schema/generated'],
  'src/probe': [...upToPlan, 'src/words'],
  'src/systemd': upToPlan,
  'src/cgroup': [...upToPlan, 'src/systemd'],
  'src/options': ['src/kernel', 'src/diag', 'src/host', 'src/bundle', 'schema/generated'],
  'src/launch': [...upToPlan, 'src/words', 'src/hooks', 'src/cgroup', 'src/systemd'],
  'src/criu': [...upToPlan, 'src/launch', 'src/options'],
  'src/state': upToPlan,
  'src/container': [
    ...upToPlan,
    'src/words',
    'src/hooks',
    'src/cgroup',
    'src/systemd',
    'src/criu',
    'src/launch',
    'src/state',
    'src/options',
  ],
  'src/commands': ['src/(?!cli/)[^/]+', 'schema/generated'],
  'src/cli': ['src/[^/]+'],
  'src/api': [
    'src/diag',
    'src/host',
    'src/state',
    'src/bundle',
    'src/cgroup',
    'src/container',
    'src/explain',
    'schema/generated',
  ],
  'src/index.ts': ['src/[^/]+', 'schema/generated'],
  'schema/build': ['src/plan', 'schema/kernel.ts', 'schema/errors.ts', 'schema/architectures.ts'],
  'schema/[^/]+\\.ts': ['schema/[^/]+\\.ts', 'schema/generated'],
  'native/build': ['src/cli'],
  'native/test': ['src/host'],
  'conformance/harness': ['src/bundle', 'src/diag', 'src/kernel', 'src/plan', 'test', 'schema/generated'],
  'conformance/bench': ['conformance/harness', 'src/plan', 'src/index.ts', 'schema/generated'],
  'conformance/engines': ['conformance/harness'],
  'conformance/errors': ['conformance/harness'],
  'conformance/faults': ['conformance/harness'],
  'conformance/fuzz': ['src/[^/]+', 'test', 'schema/generated', 'schema/mutations.ts'],
  'conformance/mutants': ['src/plan'],
  'conformance/oci': [],
  'conformance/page': [],
  'conformance/races': ['conformance/bench', 'conformance/harness'],
  'conformance/seccomp': ['src/plan', 'schema/generated'],
  'conformance/upgrade': ['conformance/harness'],
  'conformance/soak': ['conformance/bench', 'conformance/harness', 'src/index.ts'],
};

/** Tests, and what stands in for a host in them: these may look at everything. */
const TESTS = '\\.test\\.ts$|^test/|^src/plan/snapshots/';

const OURS = '^(src|schema|native|test|conformance)/';
const folders = Object.keys(mayImport);

const direction = folders.map((folder) => ({
  name: `direction of ${folder}`,
  severity: 'error',
  // The longest row that fits is the one that counts.
  from: {
    path: `^${folder}`,
    pathNot: [
      TESTS,
      ...folders.filter((other) => other !== folder && other.startsWith(folder)).map((other) => `^${other}`),
    ],
  },
  to: { path: OURS, pathNot: [`^${folder}`, ...mayImport[folder].map((other) => `^${other}(/|$)`)] },
}));

export default {
  forbidden: [
    ...direction,
    {
      name: 'folder without a row',
      severity: 'error',
      from: { path: OURS, pathNot: [TESTS, ...folders.map((folder) => `^${folder}`)] },
      to: { path: OURS },
    },
    { name: 'no cycle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no conformance elsewhere',
      severity: 'error',
      from: { pathNot: '^conformance/' },
      to: { path: '^conformance/', pathNot: '^conformance/configs/' },
    },
    { name: 'no test in the program', severity: 'error', from: { path: '^src/', pathNot: TESTS }, to: { path: TESTS } },
    {
      name: 'the program does not depend on Node',
      severity: 'error',
      from: { path: '^src/', pathNot: [TESTS, '^src/host/(main-)?node', '^src/api/'] },
      to: { dependencyTypes: ['core'] },
    },
    { name: 'no import of what is not there', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
