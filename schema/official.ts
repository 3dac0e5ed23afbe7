/** The official schemas of the runtime-spec, to compare ours with. For tests only. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import type { ValidateFunction } from 'ajv';

const directory = join(dirname(fileURLToPath(import.meta.url)), '../../shared/runtime-spec');

/** Why the comparison is not possible, or false; a value for tap's `skip`. */
export const skipOfficial: string | false = existsSync(directory)
  ? false
  : 'the official schemas are not beside the repository, in ../shared/runtime-spec';

type DocumentKind = 'config' | 'state' | 'features';

/** The official schema of a kind of document, compiled. */
export function officialValidator(kind: DocumentKind): ValidateFunction {
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.json'))) {
    const text = readFileSync(join(directory, file), 'utf8')
      // A reference that lacks its slash.
      .replaceAll('"#definitions/', '"#/definitions/');
    // They declare draft 4, which ajv does not support; of the keywords used only `id` differs in later drafts.
    const schema = JSON.parse(text) as Record<string, unknown>;
    delete schema['$schema'];
    ajv.addSchema(schema, file);
  }
  const validate = ajv.getSchema(`${kind}-schema.json`);
  if (validate === undefined) throw new Error(`no official schema of ${kind}`);
  return validate;
}

/** The official examples of a kind of document: name, verdict and text. */
export function officialExamples(kind: DocumentKind): { name: string; good: boolean; text: string }[] {
  return ['good', 'bad'].flatMap((verdict) => {
    const folder = join(directory, 'examples', kind, verdict);
    return readdirSync(folder).map((name) => ({
      name: `${kind}/${verdict}/${name}`,
      good: verdict === 'good',
      text: readFileSync(join(folder, name), 'utf8'),
    }));
  });
}
