/** A small clean workspace in a temporary folder, with violations planted in it; tests of the checks look at what fires. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { modules } from './modules.ts'
import { tidy } from './tidy.ts'

export const library = 'packages/troupe/src'

const clean: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    modules.map((moduleName) => [
      `${library}/${moduleName}/index.ts`,
      `/** ${moduleName} */\nexport const ${moduleName} = 1\n`,
    ]),
  ),
  [`${library}/index.ts`]: "/** The entry. */\nexport { createTroupe } from './startup/index.ts'\n",
  [`${library}/core/index.ts`]: "/** Core. */\nexport * from './time/clock.ts'\n",
  [`${library}/core/time/clock.ts`]:
    '/** Time. */\nexport interface Clock { now(): number }\nexport const systemClock: Clock = { now: () => Date.now() }\n',
  [`${library}/storage/index.ts`]:
    "/** Storage. */\nexport type { Storage } from './storage-port.ts'\nexport * from './sqlite/index.ts'\nexport { memory } from './sqlite/memory.ts'\n",
  [`${library}/storage/storage-port.ts`]: '/** Port. */\nexport interface Storage { close(): void }\n',
  [`${library}/storage/sqlite/index.ts`]: "/** SQLite. */\nexport * from './open-sqlite.ts'\n",
  [`${library}/storage/sqlite/open-sqlite.ts`]:
    "/** Opens. */\nimport { existsSync } from 'node:fs'\nimport type { Storage } from '../storage-port.ts'\nexport const openSqlite = (path: string): Storage | boolean => existsSync(path)\n",
  [`${library}/storage/sqlite/memory.ts`]: '/** Memory. */\nexport const memory = 1\n',
  [`${library}/startup/index.ts`]:
    "/** Startup. */\nimport { systemClock } from '../core/index.ts'\nimport { openSqlite } from '../storage/index.ts'\nexport const createTroupe = () => [systemClock, openSqlite, process.env]\n",
  [`${library}/context/entry.test.ts`]:
    "import { testing } from '../testing/index.ts'\nimport { openSqlite } from '../storage/index.ts'\nsetTimeout(() => [testing, openSqlite, Date.now()], 1)\n",
  'packages/troupe/test/crash/kill.test.ts':
    "import { createTroupe } from '../../src/index.ts'\nimport { context } from '../../src/context/index.ts'\nexport const all = [createTroupe, context]\n",
  'examples/research/main.ts': "import { createTroupe } from 'troupe'\nexport const troupe = createTroupe\n",
}

/** Removes the adapter of the clean tree, for tests that plant adapters of their own. */
export const noAdapter: Planted = {
  [`${library}/storage/index.ts`]: "/** Storage. */\nexport type { Storage } from './storage-port.ts'\n",
  [`${library}/storage/sqlite/index.ts`]: undefined,
  [`${library}/storage/sqlite/open-sqlite.ts`]: undefined,
  [`${library}/storage/sqlite/memory.ts`]: undefined,
}

type Planted = Readonly<Record<string, string | undefined>>

/** @returns what tidy finds, each as `path rule`; a file planted as undefined is missing from the tree. */
export const findingsWith = (planted: Planted): string[] =>
  withTree(planted, (root) => tidy(root).map(({ path, rule }) => `${path} ${rule}`))

export function withTree<Result>(planted: Planted, use: (root: string) => Result): Result {
  const root = mkdtempSync(join(tmpdir(), 'tidy-'))
  try {
    for (const [path, text] of Object.entries({ ...clean, ...planted })) {
      if (text === undefined) continue
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
    return use(root)
  } finally {
    rmSync(root, { recursive: true })
  }
}
