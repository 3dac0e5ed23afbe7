import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeRootfs } from './guest.ts';

/** Name of the image after an engine has imported the archive. */
export const IMAGE = 'localhost/tiny:1';

/**
 * An archive with an image of one layer in the format of the OCI image specification: the root filesystem of all cases.
 * It is made in a directory, such as that of a sandbox.
 */
export function makeImage({ dir }: { readonly dir: string }): string {
  const layout = join(dir, 'image');
  const rootfs = join(dir, 'image-rootfs');
  mkdirSync(join(layout, 'blobs', 'sha256'), { recursive: true });
  mkdirSync(rootfs);
  makeRootfs(rootfs);
  const blob = (mediaType: string, bytes: Buffer): { mediaType: string; digest: string; size: number } => {
    const hash = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(join(layout, 'blobs', 'sha256', hash), bytes);
    return { mediaType, digest: `sha256:${hash}`, size: bytes.length };
  };
  const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
  const type = 'application/vnd.oci.image';
  const tar = execFileSync('tar', ['-C', rootfs, '--numeric-owner', '-c', '.'], { maxBuffer: 1 << 28 });
  const layer = blob(`${type}.layer.v1.tar`, tar);
  const config = blob(
    `${type}.config.v1+json`,
    json({
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: { Cmd: ['/bin/sleep', '1000000'], Env: ['PATH=/bin'] },
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    }),
  );
  const manifest = blob(
    `${type}.manifest.v1+json`,
    json({ schemaVersion: 2, mediaType: `${type}.manifest.v1+json`, config, layers: [layer] }),
  );
  const annotations = { 'io.containerd.image.name': IMAGE };
  writeFileSync(join(layout, 'index.json'), json({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }));
  writeFileSync(join(layout, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }));
  const archive = join(dir, 'image.tar');
  execFileSync('tar', ['-C', layout, '-cf', archive, '.']);
  return archive;
}
