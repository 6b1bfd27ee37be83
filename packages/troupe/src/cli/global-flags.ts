/** The flags of every command. */
export interface GlobalFlags {
  /** A server; without it the database of the configuration is opened, or its owner is asked. */
  readonly url?: string
  readonly config?: string
  /** A team beside those of the configuration, for commands that execute runs. */
  readonly teamFile?: string
  readonly storage?: string
  readonly profile?: string
  readonly user?: string
  readonly agent?: string
  readonly json?: true
  readonly debug?: true
}

export const globalOptions: readonly (readonly [flags: string, description: string])[] = [
  ['--url <url>', 'Send the command to this server (TROUPE_URL; its key is TROUPE_API_KEY)'],
  ['--config <file>', 'Read this configuration instead of troupe.config.* of this folder'],
  ['--team-file <file>', 'Also execute runs of this team, which `run` started from its file'],
  ['--storage <url>', 'Open this storage: memory:, sqlite:PATH or postgres://…'],
  ['--profile <name>', 'Use this profile: development, test or production'],
  ['--user <id>', 'Use the data of this user (TROUPE_USER; default: default)'],
  ['--agent <name>', 'Act as this agent, with its rights'],
  ['--json', 'Print JSON on standard output, for programs'],
  ['--debug', 'Print causes and stacks of failures'],
]
