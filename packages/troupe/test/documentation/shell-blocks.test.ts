/** Each command in a shell block of the documentation is executed by this test, or named here with what covers it. */
import { spawn, spawnSync } from 'node:child_process'
import { globSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ended, environment, Folder, untilPrinted } from '../cli/cli-process.ts'
import { hasTerminals } from '../cli/terminal.ts'
import { blocksOf, repository } from './page-programs.ts'

/** A command without its comment; a line that ends in a backslash continues in the next. */
const commandsOf = (text: string) =>
  text
    .replaceAll('\\\n', '')
    .split('\n')
    .map((line) => line.replace(/(^|\s+)#.*$/, '').trim())
    .filter((line) => line !== '')

const pages = globSync(['README.md', 'packages/troupe/README.md', 'docs/**/*.md'], { cwd: repository }).sort()
const commands = pages.flatMap((page) =>
  blocksOf(readFileSync(join(repository, page), 'utf8').split('\n'))
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => commandsOf(text).map((command) => ({ page, command }))),
)

/** Commands that this test does not execute, each with the reason or the test that executes it. */
const covered: readonly (readonly [commands: RegExp, reason: string])[] = [
  [/^npm ci && npm (start|test)$/, 'CI executes them in a fresh clone'],
  [/^npm start -- /, 'examples/research/main.test.ts starts the same program'],
  [/^npx troupe init my-team && cd my-team && npm install$/, 'test/readme/serve-it.test.ts installs the project'],
  [/^npm test$/, 'test/readme/serve-it.test.ts tests the installed project'],
  [/^npx troupe serve$/, 'test/readme/serve-it.test.ts serves and ends it with Ctrl-C'],
  [/^node trip\.ts$/, 'tutorial.test.ts executes and kills it'],
  [/^npx esbuild app\.ts /, 'test/package/single-file.test.ts bundles programs in both formats'],
  [/^docker /, 'it needs Docker; test/deploy/image.test.ts builds what the image has'],
  [/^kubectl /, 'it needs a cluster; test/deploy/manifests.test.ts checks the manifests'],
  [/^node deploy\/compose\/make-secrets\.mjs$/, 'it writes secrets into the clone; test/deploy/manifests.test.ts'],
  [
    /^troupe doctor --url https:\/\/troupe\.example /,
    'it needs that server; test/cli/with-server.test.ts asks another',
  ],
  [/^npm install quickjs-emscripten-core /, 'it downloads packages, which the workspace has'],
  [/^npm run test:all$/, 'it executes all tests'],
  [/^npm run promises$/, 'it reads the report of all tests; scripts/promises-doc.test.ts reads a small one'],
]
const reasonOf = (command: string) => covered.find(([pattern]) => pattern.test(command))?.[1]
const executed = commands.filter(({ command }) => reasonOf(command) === undefined)

const folder = new Folder()
const project = join(folder.path, 'my-team')
let server: ReturnType<Folder['spawn']>
let url = ''
/** The id of the run that a command has started; pages abbreviate ids. */
let started = ''

beforeAll(async () => {
  mkdirSync(join(folder.path, 'node_modules/.bin'))
  symlinkSync(join(repository, 'packages/troupe/bin/troupe.js'), join(folder.path, 'node_modules/.bin/troupe'))
  const { code, error } = await folder.run(['init', 'my-team'])
  expect(code, error).toBe(0)
  server = folder.spawn(['serve', '--port', '0', '--json'], { cwd: project })
  url = JSON.parse((await untilPrinted(server, /"serving".*\n/)).trim()).url
})
afterAll(() => folder[Symbol.dispose]())

/** Executes a command in a terminal, as a reader of the page does; without one on a host that has none. */
function execute(command: string) {
  const path = [join(folder.path, 'node_modules/.bin'), dirname(process.execPath), process.env.PATH].join(':')
  const line = command
    .replaceAll(/(http:\/\/)?(localhost|127\.0\.0\.1):8000/g, url)
    .replaceAll('01k…', started)
    .replace(/^curl /, 'curl --silent --fail-with-body ')
  const env = environment({ PATH: path, NO_COLOR: '1', TERM: 'xterm', SHELL: '/bin/bash' })
  const [program, ...args] = hasTerminals ? ['script', '-qefc', line, '/dev/null'] : ['bash', '-c', line]
  const child = spawn(program as string, args, { cwd: project, env })
  child.stdin.end()
  return ended(child)
}

it('Every command of the documentation is executed or covered by a reason, and every reason is used.', () => {
  expect(commands.length).toBeGreaterThan(30)
  expect(covered.filter(([pattern]) => !commands.some(({ command }) => pattern.test(command)))).toEqual([])
  for (const [, reason] of covered)
    for (const [file] of reason.matchAll(/\S+\.test\.ts/g))
      expect(globSync([`packages/troupe/**/${file}`, file], { cwd: repository }).length, file).toBe(1)
  process.stdout.write(`${executed.length} of ${commands.length} shell commands of the documentation executed here\n`)
})

it.each(executed)(
  'The command `$command` of $page succeeds.',
  async ({ command }) => {
    const { code, out, error } = await execute(command)
    // A doctor that finds something reports it by its exit code.
    expect(code, `${out}${error}`).toBeLessThanOrEqual(/\btroupe doctor/.test(command) ? 1 : 0)
    expect(out).not.toBe('')
    if (/\/execute /.test(command)) started = (JSON.parse(out) as { readonly task_id: string }).task_id
  },
  60_000,
)

it('A command that fails is found.', async () => {
  expect(spawnSync('bash', ['--version']).status).toBe(0)
  expect((await execute('troupe none')).code).toBe(2)
})
