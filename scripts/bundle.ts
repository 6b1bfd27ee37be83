/**
 * Bundles the compiled library into the files that the package ships: an entry for each subpath and the chunks that they
 * share, so that an import loads a few files instead of more than a thousand. Compiled files stay what tests import.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join } from 'node:path'
import { type OutputChunk, type Plugin, rolldown } from 'rolldown'

/**
 * Libraries that come in bundled: the compiler of queries and the schemas alone are 350 files of their own. They exist in
 * several copies without harm, since what they give to others is recognised by symbols and not by class.
 */
const inlined = [
  '@opentelemetry/api',
  'croner',
  'diff',
  'ipaddr.js',
  'kysely',
  'lru-cache',
  'minisearch',
  'p-queue',
  'zod',
]

/** Each is a file of its own without imports, since a program that bundles the library again copies it as it is. */
const threads = {
  'evaluator-thread': 'dist/security/evaluator/evaluator-thread.js',
  'writer-thread': 'dist/storage/sqlite/writer/writer-thread.js',
  'quickjs-thread': 'dist/sandbox/quickjs/quickjs-thread.js',
}

/** Peers of a thread that are not bundled: their WebAssembly is a file of its own. */
const outsideThreads = ['quickjs-emscripten-core', '@jitl/quickjs-wasmfile-release-sync']

/** What a simulation gives to processes of its own, beside the code that starts them. */
const simulationFiles = ['preloaded-machine', 'simulation-process']

interface Manifest {
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly bin: { readonly troupe: string }
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
}

/** @param folder of the package, with its compiled files in `dist`. */
export async function bundle(folder: string): Promise<void> {
  const to = join(folder, 'dist/bundle')
  rmSync(to, { recursive: true, force: true })
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
  const code: Record<string, string> = {}
  for (const [name, path] of Object.entries(threads)) {
    const built = await rolldown({
      input: { [name]: join(folder, path) },
      ...common((library) => !outsideThreads.includes(library)),
      plugins: [triedImports(outsideThreads)],
    })
    const { output } = await built.write({ dir: to, format: 'esm', codeSplitting: false, polyfillRequire: false })
    code[name] = output[0].code
  }
  const input: Record<string, string> = { cli: join(folder, 'dist/cli/index.js') }
  for (const name of simulationFiles) input[name] = join(folder, `dist/testing/simulation/${name}.js`)
  for (const paths of Object.values(manifest.exports))
    if (typeof paths === 'object') input[nameOf(paths.default)] = join(folder, paths.types.replace(/\.d\.ts$/, '.js'))
  const built = await rolldown({
    input,
    ...common((library) => inlined.includes(library)),
    plugins: [
      evaluatorCode(code['evaluator-thread'] as string),
      openapiText(join(folder, 'openapi.json')),
      triedImports(Object.keys(manifest.peerDependencies)),
    ],
  })
  const { output } = await built.write({
    dir: to,
    format: 'esm',
    polyfillRequire: false,
    chunkFileNames: '[name]-[hash].js',
  })
  await bundleForBrowsers(folder, to)
  const chunks = output.filter((each): each is OutputChunk => each.type === 'chunk')
  // Beside the folder: for a computed name, Turbopack bundles each file of the folder, and fails for one that is not code.
  writeFileSync(join(folder, 'dist/LICENSES.md'), licenses(chunks.flatMap(({ moduleIds }) => moduleIds)))
}

/** The client in one file without a module of Node: what it takes of `core` has no effect of its own when it is loaded. */
async function bundleForBrowsers(folder: string, to: string): Promise<void> {
  const built = await rolldown({
    input: { 'client-browser': join(folder, 'dist/client/index.js') },
    ...common(() => true),
    platform: 'browser',
    treeshake: { moduleSideEffects: false },
  })
  await built.write({ dir: to, format: 'esm', codeSplitting: false })
}

const nameOf = (path: string): string => path.replace(/^\.\/dist\/bundle\/|\.js$/g, '')

function common(isInlined: (library: string) => boolean) {
  return {
    platform: 'node' as const,
    external: (id: string) => {
      if (id.startsWith('node:') || builtinModules.includes(id)) return true
      const library = /^(?:@[^/]+\/)?[^./][^/]*/.exec(id)?.[0]
      return library !== undefined && !isInlined(library)
    },
    onLog: () => {},
  }
}

/** Puts the code of the thread where a program of one file finds it. */
const evaluatorCode = (text: string): Plugin => ({
  name: 'evaluator-code',
  load: (id) =>
    id.endsWith('/security/evaluator/evaluator-code.js')
      ? `export const evaluatorCode = ${JSON.stringify(text)}`
      : undefined,
})

/** Puts the OpenAPI document where a program of one file finds it. */
const openapiText = (path: string): Plugin => ({
  name: 'openapi-text',
  load: (id) =>
    id.endsWith('/server/schemas/openapi-text.js')
      ? `export const openapiText = () => ${JSON.stringify(JSON.stringify(JSON.parse(readFileSync(path, 'utf8'))))}`
      : undefined,
})

/**
 * An import of an optional package that is not there stops whoever bundles the library again, unless it stands in a `try`:
 * then it is left to fail where the program runs, with the command that installs the package.
 */
const triedImports = (packages: readonly string[]): Plugin => ({
  name: 'tried-imports',
  renderChunk: (code) =>
    code.replaceAll(/\bimport\("([^"]+)"\)/g, (imported, name: string) =>
      packages.some((each) => name === each || name.startsWith(`${each}/`))
        ? `(async () => { try { return await ${imported} } catch (error) { throw error } })()`
        : imported,
    ),
})

/** The licence of each library of which something came in. */
function licenses(modules: readonly string[]): string {
  const folders = new Set(modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []))
  return [...folders]
    .sort()
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
      const text = ['LICENSE', 'LICENSE.md', 'license', 'LICENCE', 'LICENSE.txt'].flatMap((file) =>
        textOf(folder, file),
      )[0]
      return `## ${name} ${version} (${license})\n\n${(text ?? '').trim()}\n`
    })
    .join('\n')
}

function textOf(folder: string, file: string): string[] {
  try {
    return [readFileSync(join(folder, file), 'utf8')]
  } catch {
    return []
  }
}

if (import.meta.main) await bundle(process.argv[2] ?? join(dirname(import.meta.dirname), 'packages/troupe'))
