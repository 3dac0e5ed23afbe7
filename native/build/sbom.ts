// Writes the components of rt, with their versions and licences, as SPDX 2.3: tsx native/build/sbom.ts OUT, the
// directory of the built rt. SOURCE_DATE_EPOCH is the time of the document.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { components } from './components.ts';

const [out = 'build'] = process.argv.slice(2);
const binary = readFileSync(join(out, 'rt'));
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const sha256 = createHash('sha256').update(binary).digest('hex');

/** Fields that SPDX requires, and that have no content here. */
const unknown = { filesAnalyzed: false, copyrightText: 'NOASSERTION', licenseConcluded: 'NOASSERTION' };

const parts = components(out)
  .filter(({ files }) => files.has('build/rt'))
  .map(({ component: { name, home, spdx, version, registry } }) => {
    const found = version(out);
    return {
      SPDXID: `SPDXRef-${name.replaceAll(/[^A-Za-z0-9.-]/g, '-')}`,
      name,
      ...(found === undefined ? {} : { versionInfo: found }),
      homepage: home,
      downloadLocation: 'NOASSERTION',
      licenseDeclared: spdx,
      ...unknown,
      externalRefs: [
        {
          referenceCategory: 'PACKAGE-MANAGER',
          referenceType: 'purl',
          referenceLocator: `pkg:${registry}/${name.toLowerCase()}${found === undefined ? '' : `@${found}`}`,
        },
      ],
    };
  });

const rt = {
  SPDXID: 'SPDXRef-rt',
  name: 'rt',
  versionInfo: version,
  downloadLocation: 'NOASSERTION',
  licenseDeclared: 'Apache-2.0',
  ...unknown,
  primaryPackagePurpose: 'APPLICATION',
  checksums: [{ algorithm: 'SHA256', checksumValue: sha256 }],
};

const document = {
  spdxVersion: 'SPDX-2.3',
  dataLicense: 'CC0-1.0',
  SPDXID: 'SPDXRef-DOCUMENT',
  name: `rt-${version}`,
  documentNamespace: `https://spdx.org/spdxdocs/rt-${version}-${sha256}`,
  creationInfo: {
    created: new Date(Number(process.env['SOURCE_DATE_EPOCH']) * 1000).toISOString().replace(/\.\d+Z$/, 'Z'),
    creators: ['Tool: rt-make-dist'],
  },
  packages: [rt, ...parts],
  relationships: [
    { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: rt.SPDXID },
    ...parts.map(({ SPDXID }) => ({
      spdxElementId: rt.SPDXID,
      relationshipType: 'STATIC_LINK',
      relatedSpdxElement: SPDXID,
    })),
  ],
};
writeFileSync(join(out, 'rt.spdx.json'), `${JSON.stringify(document, null, 2)}\n`);
