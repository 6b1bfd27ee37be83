/** The package as it is imported: what an entry loads, and that entries share what they load. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

const packageFolder = join(import.meta.dirname, '../..')
const manifest = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as {
  exports: Readonly<Record<string, string | { readonly types: string }>>
  dependencies: object
  peerDependencies: object
}
const entries = Object.keys(manifest.exports)
  .filter((entry) => !entry.endsWith('.json'))
  .map((entry) => `troupe${entry.slice(1)}`)

function evaluate(code: string): unknown {
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: packageFolder,
    encoding: 'utf8',
  })
  return JSON.parse(printed)
}

test('The entry points share their classes: an error of one is an instance of the class of another.', () => {
  const code = `
    const modules = await Promise.all(${JSON.stringify(entries)}.map((entry) => import(entry)))
    const classes = new Map()
    for (const module of modules)
      for (const [name, value] of Object.entries(module))
        if (typeof value === 'function' && /^[A-Z]/.test(name)) classes.set(name, (classes.get(name) ?? new Set()).add(value))
    const { defineKey, TroupeError } = modules[0]
    let thrown
    try { defineKey(1) } catch (error) { thrown = error }
    console.log(JSON.stringify({
      doubles: [...classes].filter(([, values]) => values.size > 1).map(([name]) => name),
      isInstance: thrown instanceof TroupeError,
    }))`
  // The syntha module has classes of its own by these names.
  expect(evaluate(code)).toEqual({ doubles: ['ContextMesh', 'ToolHandler'], isInstance: true })
})

test.each([
  ['troupe', 40],
  ['troupe/context', 20],
])('The entry point %s loads few files, and neither server nor MCP.', (entry, files) => {
  const code = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
    await import('${entry}')
    console.log(JSON.stringify(loaded.filter((url) => url.startsWith('file:'))))`
  const loaded = evaluate(code) as string[]
  const own = loaded.filter((url) => url.includes('/dist/'))
  const others = [...new Set(loaded.flatMap((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []))]
  expect(own.length).toBeLessThanOrEqual(files)
  expect(
    others.filter((name) => /fastify|modelcontextprotocol|^ai$|kysely|zod|pino-pretty|opentelemetry/.test(name)),
  ).toEqual([])
})

test('The types of the entry points name no package that a user does not have.', () => {
  const { exports, dependencies, peerDependencies } = manifest
  const offered = new Set(Object.keys({ ...dependencies, ...peerDependencies }))
  const reached = new Set(
    Object.values(exports).flatMap((entry) => (typeof entry === 'object' ? [join(packageFolder, entry.types)] : [])),
  )
  const others = new Set<string>()
  for (const file of reached)
    for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()'([^']+)'/g))
      if (name.startsWith('.')) reached.add(join(file, '..', name.replace(/\.ts$/, '.d.ts')))
      else others.add(/^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name)
  expect(others).toContain('zod')
  expect([...others].filter((name) => !name.startsWith('node:') && name !== 'troupe' && !offered.has(name))).toEqual([])
})

test('A simulation of the package executes in processes of its own.', async () => {
  const folder = mkdtempSync(join(packageFolder, '.planted-world-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const scenario = join(folder, 'world.ts')
  writeFileSync(
    scenario,
    `import { createTroupe } from 'troupe'
    export default async ({ check }) => {
      const troupe = await createTroupe({ storage: 'memory:' })
      await troupe.user('ada').context.push('key', 1)
      if ((await troupe.user('ada').context.get('key')) !== 1) throw new Error('lost')
      await troupe.close()
    }`,
  )
  const code = `
    import { simulate } from 'troupe/testing'
    const { seeds, failures } = await simulate({ scenario: '${pathToFileURL(scenario)}', seeds: ['a', 'b'] })
    console.log(JSON.stringify({ seeds: seeds.length, failures }))`
  expect(evaluate(code)).toEqual({ seeds: 2, failures: [] })
})

test('The build of troupe/client for browsers is one file that imports nothing, and makes the errors of the server.', () => {
  const code = `
    import { readFileSync } from 'node:fs'
    const file = new URL('./dist/bundle/client-browser.js', ${JSON.stringify(`${pathToFileURL(packageFolder)}/`)})
    const { createClient } = await import(file)
    const problem = { name: 'NotFoundError', code: 'run.unknown', detail: 'There is none.', status: 404, retryable: false }
    const fetch = async () => new Response(JSON.stringify(problem), { status: 404 })
    const error = await createClient({ fetch }).call('runs.get', { path: { run: 'r' } }).catch((thrown) => thrown)
    const text = readFileSync(file, 'utf8')
    console.log(JSON.stringify({ imports: text.match(/^import .*$/gm) ?? [], name: error.name, code: error.code }))`
  expect(evaluate(code)).toEqual({ imports: [], name: 'NotFoundError', code: 'run.unknown' })
})
