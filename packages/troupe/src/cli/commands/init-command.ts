/** Makes a first project, which runs without a key. */
import { open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { withoutByteOrderMark } from '../../core/index.ts'
import { type CliCommand, text } from '../cli-command.ts'
import { misused } from '../exit-codes.ts'
import { isFromRegistry, packInto } from '../pack-into.ts'
import { unwritable } from '../unwritable.ts'

const templates = ['agent', 'team', 'worker'] as const

export const initCommand: CliCommand = {
  name: 'init',
  parameters: '[folder]',
  description: 'Create a first project that runs without an API key; existing files stay as they are',
  options: [['--template <name>', `The template: ${templates.join(', ')} (default: team)`]],
  async run({ out }, [folder = '.'], options) {
    const template = text(options, 'template') ?? 'team'
    if (!templates.some((one) => one === template))
      throw misused(`There is no template ${template}.`, `There are ${templates.join(', ')}.`)
    const { packageFolder } = await import('../../configuration/index.ts')
    const ours = packageFolder() as string
    const target = resolve(folder)
    const written: string[] = []
    const unchanged: string[] = []
    const write = async (name: string, content: Buffer) =>
      void ((await made(join(target, name), content)) ? written : unchanged).push(name)
    const files = new Map([...(await filesOf(ours, 'shared')), ...(await filesOf(ours, template))])
    const own = JSON.parse(String(files.get('package.json'))) as ProjectPackage
    const before = await readPackage(target)
    // A package that no registry has is packed into the project, so that the project can be installed anywhere.
    const needsFile = before?.dependencies?.troupe === undefined && !(await isFromRegistry(ours))
    const packed = needsFile ? `vendor/${await packInto(ours, join(target, 'vendor'))}` : undefined
    if (packed !== undefined) written.push(packed)
    files.set('package.json', projectPackage(own, basename(target), packed))
    for (const [name, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) await write(name, content)
    const todo = before ? missing(before, own, packed) : ['  npm install']
    out.show({ folder: target, written, unchanged }, () =>
      [
        ...written.map((name) => `wrote  ${name}`),
        ...unchanged.map((name) => `exists ${name}`),
        '',
        'Now:',
        ...(folder === '.' ? [] : [`  cd ${/[^\w./\\:~-]/.test(folder) ? `"${folder}"` : folder}`]),
        ...todo,
        ...next[template as (typeof templates)[number]],
      ].join('\n'),
    )
  },
}

/** @returns false if a file of this name exists */
async function made(to: string, content: Buffer): Promise<boolean> {
  // Most commands talk to a server, and need nothing of the storage.
  const { createFolder } = await import('../../storage/index.ts')
  try {
    createFolder(dirname(to))
    await using file = await open(to, 'wx')
    await file.writeFile(content).catch(async (error: Error) => {
      // The next attempt would keep an incomplete file.
      await rm(to, { force: true })
      throw error
    })
    return true
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && (await stat(to).catch(() => undefined))?.isFile()) return false
    throw unwritable(to, message)
  }
}

interface ProjectPackage {
  readonly name: string
  readonly dependencies: Readonly<Record<string, string>>
}

/** The files of a template by their names in a project; npm would take a `.gitignore` for one of the package. */
async function filesOf(packageFolder: string, template: string): Promise<ReadonlyMap<string, Buffer>> {
  const from = join(packageFolder, 'templates', template)
  const found = await readdir(from, { recursive: true, withFileTypes: true })
  const paths = found.flatMap((one) => (one.isFile() ? [join(one.parentPath, one.name)] : []))
  const name = (path: string) =>
    relative(from, path)
      .replaceAll('\\', '/')
      .replace(/^gitignore$/, '.gitignore')
  return new Map(await Promise.all(paths.map(async (path) => [name(path), await readFile(path)] as const)))
}

/** Returns the `package.json` with the name of the folder, adapted to npm, and the packed file instead of a version. */
function projectPackage(template: ProjectPackage, folder: string, packed: string | undefined): Buffer {
  const name = folder
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+|-+$/g, '')
    .slice(0, 214)
  const troupe = packed === undefined ? {} : { troupe: `file:${packed}` }
  const project = { ...template, name: name || template.name, dependencies: { ...template.dependencies, ...troupe } }
  return Buffer.from(`${JSON.stringify(project, null, 2)}\n`)
}

interface ExistingPackage {
  readonly type?: unknown
  readonly dependencies?: Readonly<Record<string, unknown>>
}

/** Returns the commands that add what an existing `package.json` lacks. */
function missing(
  { type, dependencies = {} }: ExistingPackage,
  wanted: ProjectPackage,
  packed: string | undefined,
): readonly string[] {
  const absent = Object.keys(wanted.dependencies).filter((name) => !(name in dependencies))
  const named = absent.map((name) => (name === 'troupe' && packed !== undefined ? `./${packed}` : name))
  return [...(type === 'module' ? [] : ['  npm pkg set type=module']), ['  npm install', ...named].join(' ')]
}

/** @returns undefined if the folder has none */
async function readPackage(folder: string): Promise<ExistingPackage | undefined> {
  const content = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined)
  if (content === undefined) return undefined
  try {
    return (JSON.parse(withoutByteOrderMark(content)) ?? {}) as ExistingPackage
  } catch {
    throw misused('package.json is not JSON.', 'Correct it, and run troupe init again.')
  }
}

const next = {
  agent: ['  npm test', '  npx troupe run Guide "What is a lane?"', '  npx troupe chat Guide'],
  team: ['  npm test', '  npx troupe run notes "What did we decide about the press?"', '  npm run dev'],
  worker: ['  npm test', '  npm start'],
}
