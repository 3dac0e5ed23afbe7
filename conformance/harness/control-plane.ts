import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ENGINE_BIN } from './cri-client.ts';
import { Daemon } from './daemon.ts';
import { ask } from './https.ts';
import { freePort } from './port.ts';
import { run } from './process.ts';
import type { Outcome } from './process.ts';
import type { Sandbox } from './sandbox.ts';

/** Name of the node, and the host at which the API server expects its kubelet. */
export const NODE = 'localhost';

/** The users that the API server knows by token. */
const USERS = [
  { user: 'admin', name: 'admin', group: 'system:masters' },
  { user: 'node', name: `system:node:${NODE}`, group: 'system:nodes' },
] as const;

/**
 * An etcd and an API server, with `kubectl` as the client. There is no scheduler and no controller: pods name their
 * node, and the objects that controllers would make for a namespace are made here.
 */
export class ControlPlane {
  readonly #sandbox: Sandbox;
  readonly #etcd: Daemon;
  readonly #server: Daemon;

  private constructor(sandbox: Sandbox, port: number) {
    const at = (name: string): string => join(sandbox.dir, name);
    const url = `unix://${at('etcd.sock')}`;
    this.#sandbox = sandbox;
    this.#etcd = new Daemon({
      name: 'etcd',
      argv: [
        ...[join(ENGINE_BIN, 'etcd'), '--data-dir', at('etcd'), '--unsafe-no-fsync'],
        ...['--listen-client-urls', url, '--listen-peer-urls', 'http://127.0.0.1:0'],
        // Unused.
        ...['--advertise-client-urls', 'http://127.0.0.1:0'],
      ],
      env: sandbox.env,
      log: at('etcd.log'),
      answers: () => Promise.resolve(existsSync(at('etcd.sock'))),
    });
    this.#server = new Daemon({
      name: 'the API server',
      argv: [
        ...[join(ENGINE_BIN, 'kube-apiserver'), '--etcd-servers', url],
        ...['--bind-address', '127.0.0.1', '--advertise-address', '127.0.0.1', '--secure-port', String(port)],
        // It makes its own certificate.
        ...['--cert-dir', at('certificates'), '--token-auth-file', at('tokens'), '--authorization-mode', 'Node,RBAC'],
        ...['--service-account-issuer', 'https://kubernetes.default.svc'],
        ...['--service-account-signing-key-file', at('accounts.key'), '--service-account-key-file', at('accounts.key')],
        ...['--service-cluster-ip-range', '10.254.78.0/24', '--endpoint-reconciler-type', 'none'],
        ...['--kubelet-preferred-address-types', 'Hostname'],
      ],
      env: sandbox.env,
      log: at('apiserver.log'),
      answers: async () => (await ask(port, 'GET', '/readyz')).text === 'ok',
    });
  }

  static async start(sandbox: Sandbox): Promise<ControlPlane> {
    const at = (name: string): string => join(sandbox.dir, name);
    const port = await freePort();
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(at('accounts.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    const tokens = USERS.map(({ user, name, group }) => {
      const token = randomBytes(16).toString('hex');
      writeFileSync(kubeconfig(sandbox, user), clientConfig(sandbox, port, token), { mode: 0o600 });
      return `${token},${name},${name},${group}\n`;
    });
    writeFileSync(at('tokens'), tokens.join(''), { mode: 0o600 });
    const plane = new ControlPlane(sandbox, port);
    await plane.#etcd.start();
    await plane.#server.start();
    await plane.#makeAccount();
    return plane;
  }

  /** The default account of pods, and the certificate by which they verify the API server. */
  async #makeAccount(): Promise<void> {
    const data = { 'ca.crt': readFileSync(certificate(this.#sandbox), 'utf8') };
    await this.apply(
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kube-root-ca.crt' }, data },
    );
  }

  /** The file with the address of the API server and the credentials of the kubelet. */
  get nodeConfig(): string {
    return kubeconfig(this.#sandbox, 'node');
  }

  /** The command line of `kubectl`. */
  argv(...words: string[]): string[] {
    const own = ['--kubeconfig', kubeconfig(this.#sandbox, 'admin'), '--cache-dir', join(this.#sandbox.dir, 'cache')];
    return [join(ENGINE_BIN, 'kubectl'), ...own, ...words];
  }

  /** Runs `kubectl`, with optional text on standard input; it may fail. */
  kubectl(words: readonly string[], input?: string): Promise<Outcome> {
    const given = input === undefined ? {} : { input };
    return run(this.argv(...words), { env: this.#sandbox.env, deadline: 60_000, ...given });
  }

  /** `kubectl apply` of objects, which must succeed; returns its output. */
  async apply(...objects: object[]): Promise<string> {
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    // To validate them it would fetch the schema of everything, which takes a slow machine longer than it waits.
    const outcome = await this.kubectl(['apply', '--validate=false', '--filename', '-'], list);
    if (outcome.status !== 0) throw new Error(`kubectl apply: ${outcome.stderr}`);
    return outcome.stdout;
  }

  async stop(): Promise<void> {
    await this.#server.end();
    await this.#etcd.end();
  }
}

function kubeconfig(sandbox: Sandbox, user: (typeof USERS)[number]['user']): string {
  return join(sandbox.dir, `${user}.kubeconfig`);
}

/** The certificate of the API server, and those of its signers. */
function certificate(sandbox: Sandbox): string {
  return join(sandbox.dir, 'certificates', 'apiserver.crt');
}

function clientConfig(sandbox: Sandbox, port: number, token: string): string {
  const cluster = { server: `https://127.0.0.1:${port}`, 'certificate-authority': certificate(sandbox) };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'tested', cluster }],
    users: [{ name: 'tested', user: { token } }],
    contexts: [{ name: 'tested', context: { cluster: 'tested', user: 'tested' } }],
    'current-context': 'tested',
  });
}
