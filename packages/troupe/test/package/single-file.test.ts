/** A program that bundles the library with itself into one file, as applications and functions of a cloud do. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { expect, onTestFinished, test } from 'vitest'

const packageFolder = join(import.meta.dirname, '../..')
const server = fileURLToPath(new URL('../mcp/third-party-server.ts', import.meta.url))
const schema = { type: 'object', properties: { word: { type: 'string', pattern: '^a+$' } } }

const program = `
import { createTroupe, defineAgent } from 'troupe'
import { mcpTools } from 'troupe/mcp'
import { serve } from 'troupe/server'

async function main() {
  const troupe = await createTroupe({ storage: 'sqlite:data.db', log: 'silent' })
  const ada = troupe.user('ada')
  const { tools: [tool], close } = await mcpTools(troupe, { name: 'other', server: { command: process.execPath, args: ${JSON.stringify([server, 'tools.json'])} } })
  const call = (word) => tool.execute({ word }, { fetch, key: 'k', signal: new AbortController().signal })
  const greeter = defineAgent({
    name: 'Greeter',
    async run(input, ctx) {
      await ctx.context.push('greeting', 'Hello ' + input)
      return ctx.context.get('greeting')
    },
  })
  const run = await ada.orchestra.start({ agent: greeter, task: 'Ada' })
  const { status, response } = await run.result()
  const good = await call('aaa')
  const wrong = await call('b').then(() => 'accepted', ({ message }) => message)
  const served = await serve(troupe, { port: 0 })
  const { openapi } = await (await fetch(served.url + '/v1/openapi.json')).json()
  await served.close()
  await close()
  await troupe.close()
  console.log(JSON.stringify({ status, response, good, wrong, openapi }))
}
main()
`

/** Bundles a program with the library into a folder of its own. @returns the path of the file */
async function bundled(contents: string, format: 'esm' | 'cjs', minify = false): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-one-file-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const outfile = join(folder, format === 'esm' ? 'program.mjs' : 'program.cjs')
  // Dependencies in the CommonJS format ask for `require`.
  const js =
    "import { createRequire as createRequireOfBanner } from 'node:module'; const require = createRequireOfBanner(import.meta.url)"
  await build({
    stdin: { contents, resolveDir: packageFolder },
    bundle: true,
    minify,
    platform: 'node',
    format,
    outfile,
    logLevel: 'silent',
    ...(format === 'esm' ? { banner: { js } } : {}),
  })
  return outfile
}

test.each(['esm', 'cjs'] as const)(
  'A program of one file (%s) runs an agent on a database file, checks schemas of others, and serves its OpenAPI document.',
  async (format) => {
    const outfile = await bundled(program, format)
    const folder = dirname(outfile)
    const tools = [{ name: 'shaped', description: 'echoes', inputSchema: { type: 'object' }, outputSchema: schema }]
    writeFileSync(join(folder, 'tools.json'), JSON.stringify(tools))
    const printed = execFileSync(process.execPath, [outfile], { cwd: folder, encoding: 'utf8' })
    expect(JSON.parse(printed)).toEqual({
      status: 'completed',
      response: 'Hello Ada',
      good: { word: 'aaa' },
      wrong: expect.stringContaining('must match pattern'),
      openapi: '3.1.0',
    })
    expect(readdirSync(folder)).toContain('data.db')
  },
)

test.each(['esm', 'cjs'] as const)(
  'A program of one file (%s) contains the package of a provider that a model names.',
  async (format) => {
    const contents = `import { createTroupe, LlmAgent } from 'troupe'
      async function main() {
        const troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
        const agent = new LlmAgent({ name: 'Asker', instructions: 'Ask.', model: 'openai/gpt-5' })
        const findings = await troupe.user('ada').orchestra.check({ agents: [agent], flows: ['Start -> Asker'] })
        const failed = await troupe.user('ada').session(agent).generate('Hello').then(() => {}, ({ code }) => code)
        console.log(JSON.stringify({ findings: findings.map(({ code }) => code), failed }))
        await troupe.close()
      }
      main()`
    const outfile = await bundled(contents, format)
    const { OPENAI_API_KEY: _, ...env } = process.env
    const printed = execFileSync(process.execPath, [outfile], { cwd: dirname(outfile), encoding: 'utf8', env })
    expect(JSON.parse(printed)).toEqual({ findings: ['model.key_missing'], failed: 'model.key_missing' })
  },
)

test('A program of one minified file has errors with the names of their classes, and retries no critical one.', async () => {
  const contents = `import * as troupe from 'troupe'
    let executions = 0
    const run = async () => { executions++; throw new troupe.CriticalError('broken') }
    await using opened = await troupe.createTroupe({ storage: 'memory:', log: 'silent' })
    const agent = troupe.defineAgent({ name: 'Broken', run })
    const config = { onError: { '*': { retry: { attempts: 3, backoff: '1ms' } } } }
    const started = await opened.user('ada').orchestra.start({ agent, task: 't', config })
    const { error } = await started.result()
    const wrong = Object.keys(troupe).filter((name) => name.endsWith('Error') && new troupe[name]('x').name !== name)
    console.log(JSON.stringify({ executions, error: error.name, wrong }))`
  const outfile = await bundled(contents, 'esm', true)
  const printed = execFileSync(process.execPath, [outfile], { cwd: dirname(outfile), encoding: 'utf8' })
  expect(JSON.parse(printed)).toEqual({ executions: 1, error: 'CriticalError', wrong: [] })
})

test('The bundles leave it to the program that runs to fail for an optional package that is missing.', () => {
  const { peerDependencies } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'))
  const files = readdirSync(join(packageFolder, 'dist/bundle'))
  const untried = files.flatMap((file) =>
    [...readFileSync(join(packageFolder, 'dist/bundle', file), 'utf8').matchAll(/(.{0,13})\bimport\("([^"]+)"\)/g)]
      .filter(([, before, name = '']) => {
        const isOptional = Object.keys(peerDependencies).some((one) => name === one || name.startsWith(`${one}/`))
        return isOptional && before !== 'return await '
      })
      .map(([, , name]) => `${file}: ${name}`),
  )
  expect(untried).toEqual([])
  // Turbopack bundles each file of this folder, and fails for one that is not code.
  expect(files.filter((file) => !file.endsWith('.js'))).toEqual([])
})

test('A bundled program without optional packages names the package that it needs.', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-no-peers-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const manifest = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  const installed = join(folder, 'node_modules')
  mkdirSync(join(installed, 'troupe'), { recursive: true })
  cpSync(join(packageFolder, 'dist/bundle'), join(installed, 'troupe/dist/bundle'), { recursive: true })
  writeFileSync(join(installed, 'troupe/package.json'), JSON.stringify(manifest))
  for (const name of Object.keys(manifest.dependencies)) {
    mkdirSync(dirname(join(installed, name)), { recursive: true })
    symlinkSync(join(packageFolder, '../../node_modules', name), join(installed, name))
  }
  const contents = `import { createTroupe } from 'troupe'
    createTroupe({ storage: 'postgres://localhost/none' }).catch(({ code, hint }) => console.log(JSON.stringify({ code, hint })))`
  const outfile = join(folder, 'program.cjs')
  await build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    platform: 'node',
    outfile,
    logLevel: 'silent',
  })
  const printed = execFileSync(process.execPath, [outfile], { cwd: folder, encoding: 'utf8' })
  expect(JSON.parse(printed)).toEqual({ code: 'package.missing', hint: 'Run npm install pg.' })
})
