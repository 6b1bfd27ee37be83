import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { failure } from '../core/index.ts'
import { openCommandContext } from './command-context.ts'
import { commands } from './commands.ts'
import { complaintOf, exitCodes } from './exit-codes.ts'
import { globalOptions } from './global-flags.ts'
import { createProgram } from './program.ts'

afterEach(() => vi.unstubAllEnvs())

const guide = readFileSync(new URL('../../../../docs/cli.md', import.meta.url), 'utf8')
const program = createProgram({ version: '1.2.3', carryOut: async () => {} })

/** What the program says of itself. */
function registered(): Map<string, { readonly description: string; readonly options: readonly string[] }> {
  // A command may have an option of its own in the place of a global one.
  const everywhere = new Set(globalOptions.map((option) => option.join(' ')))
  const found = new Map<string, { description: string; options: string[] }>()
  const walk = (command: Command, name: string) => {
    if (command.commands.length > 0) for (const one of command.commands) walk(one, `${name} ${one.name()}`.trim())
    else {
      const own = command.options.filter(({ flags, description }) => !everywhere.has(`${flags} ${description}`))
      const options = own.map(({ long }) => long ?? '')
      found.set(name, { description: command.description(), options })
    }
  }
  walk(program, '')
  return found
}

/** `| `troupe runs list --all` | … | `--limit` `--all` |` */
function documented(): Map<string, { readonly description: string; readonly options: readonly string[] }> {
  const names = [...registered().keys()]
  return new Map(
    [...guide.matchAll(/^\| `troupe ([^`]+)` \| (.*?) \|(.*)\|$/gm)].map(
      ([, example = '', description = '', options = '']) => {
        const fits = names.filter((name) => `${example} `.startsWith(`${name} `))
        const name = fits.toSorted((a, b) => b.length - a.length)[0] ?? `(none: ${example})`
        return [name, { description, options: [...options.matchAll(/`(--[\w-]+)`/g)].map(([, long = '']) => long) }]
      },
    ),
  )
}

describe('the guide of the command line', () => {
  it('The guide of the command line has every command with an example, a description and its options, and no other.', () => {
    const [there, here] = [registered(), documented()]
    expect([...here.keys()].sort()).toEqual([...there.keys()].sort())
    for (const [name, { description, options }] of there)
      expect({ name, ...here.get(name) }).toEqual({ name, description, options })
  })

  it('The help of each command, of each group and of each option of all commands begins with a verb in the imperative.', () => {
    const groups = program.commands.map((command) => command.description())
    const commandTexts = [...registered().values()].map(({ description }) => description)
    const optionTexts = globalOptions.map(([, description]) => description)
    const texts = [program.description(), ...groups, ...commandTexts, ...optionTexts]
    // "Runs", "its", "what": a third person, or no verb at all.
    expect(texts.filter((text) => !/^[A-Z][a-z]*[^s ] /.test(text))).toEqual([])
  })

  it('The guide of the command line has every global option and every exit code.', () => {
    for (const [flags] of globalOptions) expect(guide).toContain(`| \`${flags}\` |`)
    const codes = [...guide.matchAll(/^\| (\d+) \| /gm)].map(([, code]) => Number(code))
    expect(codes).toEqual(Object.values(exitCodes))
  })
})

describe('the program', () => {
  it('The command line has no two commands of one name, and describes its groups of commands.', () => {
    const names = commands.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    for (const command of program.commands) expect(command.description(), command.name()).not.toBe('')
  })

  it.each([
    [['runs', 'lits'], '(Did you mean list?)'],
    [['contxt'], '(Did you mean context?)'],
    [['runs', 'list', '--limt', '3'], '(Did you mean --limit?)'],
  ])('The command %j is rejected with the nearest name.', async (argv, nearest) => {
    let written = ''
    const tried = createProgram({ version: '1.2.3', carryOut: async () => {} })
    const suppressErrors = (command: Command) => {
      command.configureOutput({
        writeErr: (text) => {
          written += text
        },
      })
      for (const subcommand of command.commands) suppressErrors(subcommand)
    }
    suppressErrors(tried)
    await expect(tried.parseAsync(argv, { from: 'user' })).rejects.toMatchObject({ exitCode: 1 })
    expect(written).toContain(nearest)
  })

  it('The command line accepts global options before the command too, and the later one takes precedence.', async () => {
    const seen: object[] = []
    const tried = createProgram({ version: '1.2.3', carryOut: async (flags) => void seen.push(flags) })
    await tried.parseAsync(['--json', '--user', 'ada', 'runs', '--user', 'bob', 'list', '--agent', 'Desk'], {
      from: 'user',
    })
    expect(seen).toMatchObject([{ json: true, user: 'bob', agent: 'Desk' }])
  })

  it.each([
    [['audit', '--incidents'], 'audit.incidents'],
    [['audit', '--json', '--incidents', '--limit', '3'], 'audit.incidents'],
    [['audit', 'list', '--incidents'], 'audit.incidents'],
    [['audit', 'incidents'], 'audit.incidents'],
    [['audit', '--actor', 'Desk'], 'audit.list'],
  ])('The command %j calls %s.', async (argv, operation) => {
    const read: string[] = []
    const pages = async function* (name: string) {
      read.push(name)
      yield* []
    }
    const tried = createProgram({
      version: '1.2.3',
      carryOut: async (_, work) => void (await work({ client: async () => ({ pages }), out: { table() {} } } as never)),
    })
    await tried.parseAsync([...argv], { from: 'user' })
    expect(read).toEqual([operation])
  })

  it('The command line rejects an unknown subcommand, and names the nearest one.', async () => {
    const tried = createProgram({ version: '1.2.3', carryOut: async () => {} })
    await expect(tried.parseAsync(['audit', 'incidnts'], { from: 'user' })).rejects.toMatchObject({
      exit: exitCodes.usage,
      message: 'There is no command audit incidnts.',
      hint: 'Did you mean incidents?',
    })
  })

  it('The command line ends with 2 if a secret of the configuration is missing.', () => {
    expect(complaintOf(failure('secret.missing', { name: 'KEY' }))).toMatchObject({ exit: exitCodes.usage })
  })

  it('The command line rejects a server address for local commands.', async () => {
    const tried = createProgram({ version: '1.2.3', carryOut: async () => {} })
    for (const argv of [['backup', 'x'], ['migrate'], ['serve'], ['audit', 'verify', 'x']])
      await expect(tried.parseAsync([...argv, '--url', 'http://far'], { from: 'user' })).rejects.toMatchObject({
        exit: exitCodes.usage,
        message: expect.stringContaining(`troupe ${argv[0]}`),
      })
  })

  it.each([
    ['backup', 'x'],
    ['restore', 'x'],
    ['resume-restored'],
    ['migrate'],
    ['audit', 'verify', 'x', '--public-key', import.meta.filename],
  ])(
    'The command %s does not ignore the server that TROUPE_URL names, unless its storage is named.',
    async (...argv) => {
      vi.stubEnv('TROUPE_URL', 'http://far')
      const tried = createProgram({
        version: '1.2.3',
        async carryOut(flags, work) {
          await using context = openCommandContext(flags, new AbortController().signal)
          await work({ ...context, config: async () => Promise.reject(new Error('went on')) })
        },
      })
      const rejected = tried.parseAsync([...argv], { from: 'user' })
      await expect(rejected).rejects.toMatchObject({
        exit: exitCodes.usage,
        message: expect.stringContaining('http://far'),
      })
      await expect(tried.parseAsync([...argv, '--storage', 'memory:'], { from: 'user' })).rejects.toThrow('went on')
    },
  )

  it.each(['--limit=x', '--limit=-1', '--limit=1.5', '--limit=0'])(
    'The option %s is rejected as a number of items.',
    async (flag) => {
      const tried = createProgram({
        version: '1.2.3',
        carryOut: async (flags, work) =>
          void (await work({ flags, client: async () => ({ async *pages() {} }), out: { table() {} } } as never)),
      })
      await expect(tried.parseAsync(['runs', 'list', flag], { from: 'user' })).rejects.toMatchObject({
        exit: exitCodes.usage,
        message: expect.stringContaining('--limit'),
      })
    },
  )
})
