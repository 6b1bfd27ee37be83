/** Writes docs/promises.md from scripts/promises.yaml; a test keeps them equal. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisesPage, readSections, referenceTo, root, type Section } from './promises.ts'

const introduction = `# Promises

<!-- written by \`node scripts/promises-doc.ts\` from \`scripts/promises.yaml\` -->

Each row states a promise of Troupe and names the tests that fail if the promise is broken. Anything not listed is best
effort. The consistency model on one page is [consistency.md](consistency.md).

A reference is the complete title of one test as its source spells it: \`%s\` and \`\${…}\` stand for values of a table. Many
tests need PostgreSQL, and some need programs that a machine may lack: a test that cannot run is skipped. To see which
promises the tests have shown on your machine, run them and print the results:

\`\`\`sh
npm run test:all
npm run promises
\`\`\`

The second command prints each promise with its result: passed, failed, skipped or not run. It exits with 1 if a test of a
promise failed or did not run.

Troupe never promises that a model resists prompt injection, that an effect which is not idempotent happens exactly once,
or that a broker alone makes a message durable.
`

/** The page's text. */
export const renderPromises = (sections: readonly Section[] = readSections()): string =>
  [
    introduction,
    ...sections.flatMap(({ title, promises }) => [
      `## ${title}`,
      '',
      '| promise | tests |',
      '|---|---|',
      ...promises.map(({ promise, tests }) => `| ${promise} | ${tests.map(referenceTo).join('<br>')} |`),
      '',
    ]),
  ].join('\n')

if (import.meta.main) writeFileSync(join(root, promisesPage), renderPromises())
