// Writes NOTICE: the third-party components of build/rt and build/node with their licences.
import { writeFileSync } from 'node:fs';
import { components } from './components.ts';

const bar = '='.repeat(80);
const sections = components('build').flatMap(({ component: { name, home, licence }, files }) => {
  if (licence === undefined) return [];
  const text = licence()
    .trim()
    .replaceAll(/[ \t]+$/gm, '');
  return `${bar}\n${name} (${home}), in ${[...files].sort().join(' and ')}\n${bar}\n\n${text}\n`;
});
writeFileSync(
  'NOTICE',
  `rt
Copyright 2026 The authors of rt

Licensed under the Apache License, Version 2.0: see LICENSE. The built programs hold parts of other works, under the
licences below. native/build/notice.ts makes this list from what is linked and bundled.

${sections.join('\n')}`,
);
