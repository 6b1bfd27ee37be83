/** The commands, as commander reads them. */
import { Argument, Command as Commander, Option } from 'commander'
import { nearest } from '../core/index.ts'
import type { CliCommand, CommandContext, CommandEnd } from './cli-command.ts'
import { commands } from './commands.ts'
import { misused } from './exit-codes.ts'
import { type GlobalFlags, globalOptions } from './global-flags.ts'

export interface ProgramOptions {
  readonly version: string
  /** True prints no errors, because the caller reports the thrown error in another form. */
  readonly quiet?: boolean
  /** Executes a command with these flags. */
  readonly carryOut: (flags: GlobalFlags, work: (context: CommandContext) => CommandEnd) => Promise<void>
}

/** The descriptions of groups of commands. */
const groups: Readonly<Record<string, string>> = {
  runs: 'Inspect runs, control them, and explain them',
  approvals: 'Show and decide what waits for a person',
  threads: 'Show threads and their messages',
  experiments: 'Show experiments: evaluations of data sets',
  context: 'Read and write the shared context',
  messages: 'Show mailboxes, messages and dead letters',
  schedules: 'Manage schedules',
  'api-keys': 'Manage the API keys of the server',
  audit: 'Read and verify the audit log',
  topology: 'Draw a team',
  completion: 'Print a completion script',
}

export function createProgram({ version, carryOut, quiet = false }: ProgramOptions): Commander {
  const program = new Commander('troupe')
    .description('Run teams of agents and operate them.')
    .version(version, '-V, --version')
    .showHelpAfterError('(--help shows the commands and options)')
    .showSuggestionAfterError()
    .exitOverride()
    .enablePositionalOptions()
    .configureHelp({ showGlobalOptions: false, sortSubcommands: false })
  if (quiet) program.configureOutput({ writeErr: () => {} })
  everywhere(program)
  const parents = new Map<string, Commander>()
  for (const command of commands) {
    const [first = '', second] = command.name.split(' ')
    if (second !== undefined && !parents.has(first)) {
      const group = program.command(first).description(groups[first] ?? '')
      parents.set(first, everywhere(group.exitOverride()))
    }
    addCommand(second === undefined ? program : (parents.get(first) as Commander), second ?? first, command, carryOut)
  }
  return program
}

/**
 * Adds the global options. They may also precede a command: `troupe --json runs list`. An option of the command with the same
 * name has priority.
 */
function everywhere(command: Commander, own: CliCommand['options'] = []): Commander {
  const declared = new Set(own.map(([flags]) => flags))
  for (const [flags, description] of globalOptions)
    if (!declared.has(flags)) command.addOption(new Option(flags, description).helpGroup('Everywhere:'))
  return command
}

function addCommand(parent: Commander, name: string, command: CliCommand, carryOut: ProgramOptions['carryOut']): void {
  const added = parent
    .command(name, { isDefault: command.standard === true })
    .description(command.description)
    .exitOverride()
  for (const argument of (command.parameters ?? '').split(' ').filter(Boolean))
    added.addArgument(new Argument(argument.replace(/^"|"$/g, '')))
  for (const [flags, description] of command.options ?? []) added.addOption(new Option(flags, description))
  everywhere(added, command.options)
  if (command.standard) added.allowExcessArguments()
  added.action(async (...actionArguments: unknown[]) => {
    const wrong = command.standard ? added.args[0] : undefined
    if (wrong !== undefined) {
      const near = nearest(
        wrong,
        parent.commands.map((one) => one.name()),
      )
      throw misused(
        `There is no command ${parent.name()} ${wrong}.`,
        near === undefined ? 'Add --help to see its options.' : `Did you mean ${near}?`,
      )
    }
    // A flag nearer to the command has priority.
    const before = { ...parent.parent?.opts(), ...parent.opts() }
    const flags: GlobalFlags & Record<string, unknown> = { ...before, ...added.opts() }
    const argumentValues = actionArguments.slice(0, -2).flat() as string[]
    if (command.here && flags.url !== undefined)
      throw misused(
        `troupe ${command.name} asks no server: it works on this machine alone.`,
        'Leave --url out, and run it where the configuration and its storage are.',
      )
    await carryOut(flags, (context) => command.run(context, argumentValues, flags))
  })
}
