import { request } from 'node:https';
import { PATIENCE } from './wait.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** A request to a server of this machine that made its own certificate. */
export function ask(port: number, method: 'GET' | 'POST', path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method, path, rejectUnauthorized: false };
    const sent = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.setTimeout(60_000 * PATIENCE, () => sent.destroy(new Error(`no answer: ${path}`)));
    sent.on('error', reject).end();
  });
}
