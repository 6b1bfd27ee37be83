/** What every command takes. */
export interface GlobalFlags {
  /** A server; without it the database of the configuration is opened, or its owner is asked. */
  readonly url?: string
  readonly config?: string
  readonly storage?: string
  readonly profile?: string
  readonly user?: string
  readonly agent?: string
  readonly json?: true
  readonly debug?: true
}

export const globalOptions: readonly (readonly [flags: string, description: string])[] = [
  ['--url <url>', 'ask this server (TROUPE_URL; its key is TROUPE_API_KEY)'],
  ['--config <file>', 'in place of troupe.config.* of this folder'],
  ['--storage <url>', 'memory:, sqlite:PATH or postgres://…'],
  ['--profile <name>', 'development, test or production'],
  ['--user <id>', 'whose data it is about (TROUPE_USER; default: default)'],
  ['--agent <name>', 'act as this agent, with what it may see'],
  ['--json', 'JSON on standard output, for programs'],
  ['--debug', 'causes and stacks of failures'],
]
