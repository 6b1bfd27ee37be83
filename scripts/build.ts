/**
 * Compiles the packages whose sources changed since their last good build, so that `npm start` and the tests can always
 * ask for it. What was built is known by a digest of its sources and settings, kept in dist; `--force` builds anyway.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'

const workspace = resolve(import.meta.dirname, '..')
const compiler = join(workspace, 'node_modules/typescript/bin/tsc')

interface BuildOptions {
  /** The workspace whose packages are built: this one by default. */
  readonly root?: string
  /** Builds what is built already, too. */
  readonly force?: boolean
  /** Hears what is built and what the compiler says: standard error by default. */
  readonly report?: (text: string) => void
}

/** @returns whether every package is built. */
export function build(options: BuildOptions = {}): boolean {
  const { root = workspace, force = false, report = (text: string) => process.stderr.write(text) } = options
  const packages = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name))
  return (
    packages
      .filter((folder) => existsSync(join(folder, 'tsconfig.build.json')))
      .every((folder) => buildPackage(folder, { root, force, report })) &&
    buildStudio({ root, force, report }) &&
    copyDocs(root)
  )
}

/**
 * Hints and remedies name pages of the documentation: the package of the library contains them. Files that are the same
 * stay untouched, because npm may be packing the library meanwhile.
 */
function copyDocs(root: string): true {
  const [from, to] = [join(root, 'docs'), join(root, 'packages', 'troupe', 'docs')]
  if (!existsSync(from) || !existsSync(join(root, 'packages', 'troupe'))) return true
  const pages = (folder: string) => (existsSync(folder) ? filesUnder(folder).map((path) => relative(folder, path)) : [])
  const wanted = new Set(pages(from).filter((page) => !page.startsWith('decisions')))
  for (const page of pages(to)) if (!wanted.has(page)) rmSync(join(to, page))
  for (const page of wanted) {
    const [source, copy] = [join(from, page), join(to, page)]
    if (existsSync(copy) && readFileSync(source).equals(readFileSync(copy))) continue
    cpSync(source, copy)
  }
  return true
}

/** Builds the studio, which the package of the library contains. */
function buildStudio({ root, force, report }: Required<BuildOptions>): boolean {
  const folder = join(root, 'packages', 'studio')
  if (!existsSync(join(folder, 'vite.config.ts'))) return true
  const studio = join(root, 'packages', 'troupe', 'studio')
  const stamp = join(studio, '.digest')
  const digest = digestOf(
    [
      join(root, 'package-lock.json'),
      join(folder, 'vite.config.ts'),
      join(folder, 'index.html'),
      ...filesUnder(join(folder, 'src')),
      ...filesUnder(join(folder, 'public')),
    ],
    root,
  )
  if (!force && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return true
  report('building packages/studio\n')
  const vite = join(workspace, 'node_modules/vite/bin/vite.js')
  // Within a test run NODE_ENV is `test`, and React would be bundled for development.
  const env = { ...process.env, NODE_ENV: 'production' }
  const built = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'warn'], {
    cwd: folder,
    env,
    encoding: 'utf8',
  })
  report(built.stdout + built.stderr)
  if (built.status !== 0) return false
  writeFileSync(stamp, digest)
  return true
}

function buildPackage(folder: string, { root, force, report }: Required<BuildOptions>): boolean {
  const stamp = join(folder, 'dist', '.digest')
  const settings = [
    join(workspace, 'scripts/bundle.ts'),
    join(root, 'tsconfig.base.json'),
    join(folder, 'tsconfig.build.json'),
    join(folder, 'package.json'),
    join(folder, 'openapi.json'),
  ].filter(existsSync)
  const digest = digestOf([...settings, ...sourcesOf(folder)], root)
  if (!force && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return true
  report(`building ${relative(root, folder)}\n`)
  rmSync(stamp, { force: true })
  const project = join(folder, 'tsconfig.build.json')
  // Four checkers, the default, repeat more of each other's work than they save on two cores.
  const compiled = spawnSync(process.execPath, [compiler, '-p', project, '--checkers', '2'], { encoding: 'utf8' })
  report(compiled.stdout + compiled.stderr)
  if (compiled.status !== 0) return false
  removeOrphans(folder)
  if (!bundlePackage(folder, report)) return false
  writeFileSync(stamp, digest)
  return true
}

/** In a process of its own, since the bundler is asynchronous and tests ask for the build as they start. */
function bundlePackage(folder: string, report: Required<BuildOptions>['report']): boolean {
  if (!('exports' in JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')))) return true
  const bundled = spawnSync(process.execPath, [join(workspace, 'scripts/bundle.ts'), folder], { encoding: 'utf8' })
  report(bundled.stdout + bundled.stderr)
  return bundled.status === 0
}

function digestOf(paths: readonly string[], root: string): string {
  const hash = createHash('sha256').update(readFileSync(join(workspace, 'node_modules/typescript/package.json')))
  for (const path of paths.toSorted()) hash.update(`${relative(root, path)}\n`).update(readFileSync(path))
  return hash.digest('hex')
}

const sourcesOf = (folder: string): string[] =>
  filesUnder(join(folder, 'src'))
    .filter((path) => /\.tsx?$/.test(path) && !path.includes('.test.'))
    .sort()

/** Output of a source that is gone would still be imported. */
function removeOrphans(folder: string): void {
  for (const path of filesUnder(join(folder, 'dist'))) {
    if (path.startsWith(join(folder, 'dist/bundle'))) continue
    const source = join(folder, 'src', relative(join(folder, 'dist'), path)).replace(/(\.d\.ts|\.js)$/, '')
    if (!existsSync(`${source}.ts`) && !existsSync(`${source}.tsx`)) rmSync(path)
  }
}

const filesUnder = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

/**
 * Vitest calls this before the projects that import the built packages. Errors of types do not stop the tests: the
 * compiler emits all the same, and `npm run types` fails for them.
 */
export default function setup(): void {
  build()
}

if (import.meta.main && !build({ force: process.argv.includes('--force') })) process.exitCode = 1
