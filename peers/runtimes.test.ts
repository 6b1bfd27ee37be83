/** The built package under Bun and Deno: a run on a file that one process leaves and another one finishes. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const find = createRequire(import.meta.url)
/** The folder of a runtime's package for this platform; undefined where npm has none of it here. */
function folderOf(name: string): string | undefined {
  try {
    return dirname(find.resolve(`${name}/package.json`))
  } catch {
    return undefined
  }
}
const bun = folderOf('@oven/bun-linux-x64')
const deno = folderOf('@deno/linux-x64-glibc')
const runtimes: readonly (readonly [string, readonly string[] | undefined])[] = [
  ['Bun', bun === undefined ? undefined : [join(bun, 'bin/bun')]],
  [
    'Deno',
    deno === undefined ? undefined : [join(deno, 'deno'), 'run', '-A', '--node-modules-dir=manual', '--no-lock'],
  ],
  ['Node', [process.execPath]],
]

const program = `import { appendFileSync } from 'node:fs'
import process from 'node:process'
import { createTroupe, defineAgent, patterns } from 'troupe'

const [storage = '', killed] = process.argv.slice(2)
const pay = defineAgent({
  name: 'Pay',
  run: (euros: number, ctx) =>
    ctx.effect('pay', { class: 'at-most-once', input: euros }, () => {
      appendFileSync('payments', euros + '\\n')
      return euros
    }),
})
const tell = defineAgent({
  name: 'Tell',
  run: async (euros: number, ctx) => {
    await ctx.context.push('paid', euros)
    await ctx.commit()
    if (killed) process.kill(process.pid, 'SIGKILL')
    return 'paid ' + (await ctx.context.get('paid'))
  },
})
await using troupe = await createTroupe({ storage, agents: [pay, tell], log: 'warn' })
const topology = patterns.pipeline({ stages: [{ agents: [pay] }, { agents: [tell] }] })
const result = await troupe.user('ada').orchestra.run({ id: 'once', task: 40, topology })
console.log(result.status, result.response)
`

describe.each(runtimes)('the runtime %s', (name, command) => {
  if (command === undefined) process.stderr.write(`skipped: there is no ${name} for this platform\n`)
  const folder = mkdtempSync(join(tmpdir(), 'troupe-runtime-'))
  beforeAll(() => {
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(join(root, 'packages/troupe'), join(folder, 'node_modules/troupe'))
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(folder, 'program.ts'), program)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const run = (...args: readonly string[]) => {
    const [file = '', ...before] = command ?? []
    return spawnSync(file, [...before, 'program.ts', ...args], { cwd: folder, encoding: 'utf8', timeout: 60_000 })
  }

  it.skipIf(command === undefined)('A run in memory completes.', () => {
    expect(run('memory:')).toMatchObject({ status: 0, stdout: 'completed paid 40\n' })
    rmSync(join(folder, 'payments'))
  })

  it.skipIf(command === undefined)('A killed run on a file is finished by another process, and pays once.', () => {
    expect(run('sqlite:./runs.db', 'killed').signal).toBe('SIGKILL')
    expect(run('sqlite:./runs.db')).toMatchObject({ status: 0, stdout: 'completed paid 40\n' })
    expect(readFileSync(join(folder, 'payments'), 'utf8')).toBe('40\n')
  })
})
