/** Codes of the command line: problems before a troupe is opened, and of the server that it calls. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const cliCodes = {
  'command.failed': {
    class: errors.ProcessingError,
    message: 'The command failed: {problem}.',
    hint: 'Add --debug for its causes and stacks.',
  },
  'command.misused': {
    class: errors.ValidationError,
    message: 'The command is not used as it should be: {problem}.',
    hint: 'Add --help for what there is.',
  },
  'config.wrong': {
    class: errors.ValidationError,
    message: 'The configuration has several problems: {problems}.',
    hint: 'Correct each that is listed; `troupe doctor` looks at all of it again.',
  },
  'output.unwritten': {
    class: errors.ExternalServiceError,
    message: 'Standard output cannot be written: {problem}.',
    hint: 'What the command had to say is not whole.',
  },
  'server.unknown': {
    class: errors.ExternalServiceError,
    message: '{request} was answered with {status}, and no explanation.',
    hint: 'Is it the address of a Troupe server, of this release?',
  },
  'init.unpacked': {
    class: errors.ExternalServiceError,
    message: 'The library could not be packed into {folder} by npm: {problem}.',
    hint: 'Install npm 11 or newer, and run troupe init again.',
  },
  'server.unreachable': {
    class: errors.ExternalServiceError,
    message: '{server} cannot be reached: {problem}.',
    hint: 'Is it running? `troupe serve` starts one; --url and TROUPE_URL say where it is.',
  },
  'storage.missing': {
    class: errors.NotFoundError,
    message: 'There is no database at {path}.',
    hint: 'A run, a server or `troupe migrate` makes one.',
  },
} as const satisfies Record<string, CatalogueEntry>
