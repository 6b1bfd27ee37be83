/** Commands for the audit log and incidents. */

import { access, constants, readFile } from 'node:fs/promises'
import type { ClientSchemas } from '../../client/index.ts'
import { type CliCommand, listLimit, pagingOptions, text } from '../cli-command.ts'
import { loadStorageConfig } from '../command-context.ts'
import { exitCodes, misused } from '../exit-codes.ts'
import { safe } from '../output/safe.ts'
import { needDatabase } from '../transport/open-transport.ts'
import { writeNewFile } from '../write-new-file.ts'

type AuditLine = ClientSchemas['AuditRecord']

const searched = [
  ['--actor <name>', 'Only records of this agent; host is the application'],
  ['--operation <name>', 'Only records of this operation, such as push_context'],
  ['--resource <name>', 'Only records of this key, recipient or run'],
  ['--from <time>', 'The earliest time, in ISO 8601'],
  ['--to <time>', 'The end of the range, in ISO 8601'],
  ['--all-users', 'Records of all users and of the troupe itself'],
] as const

interface Listing {
  readonly name: string
  readonly operation: 'audit.list' | 'audit.incidents'
  readonly description: string
  readonly none: string
  /** The argument of the command, a text that records must contain; absent if the command takes none. */
  readonly parameters?: '<text>'
}

const incidents: Listing = {
  name: 'incidents',
  operation: 'audit.incidents',
  description: 'List refused actions, newest first',
  none: 'There are no incidents.',
}

const recorded = (listing: Listing): CliCommand => ({
  name: `audit ${listing.name}`,
  description: listing.description,
  ...(listing.parameters === undefined ? {} : { parameters: listing.parameters }),
  options: [...pagingOptions(50), ...searched],
  async run({ client, out }, [wanted], options) {
    const { operation, none, parameters } = options.incidents === true ? incidents : listing
    const query = {
      ...Object.fromEntries(['actor', 'operation', 'resource', 'from', 'to'].map((one) => [one, text(options, one)])),
      ...(options.allUsers === true ? { allUsers: 'true' as const } : {}),
    }
    const found: AuditLine[] = []
    const limit = listLimit(options, 50)
    const all = (await client()).pages(operation, { query, ...(parameters === undefined ? { max: limit } : {}) })
    for await (const one of all) {
      if (wanted === undefined || holds(one, wanted)) found.push(one)
      if (found.length >= limit) break
    }
    out.table(
      found,
      [
        { name: 'AT', of: ({ at }) => new Date(at).toISOString() },
        { name: 'ACTOR', of: ({ actor }) => actor },
        { name: 'DID', of: ({ operation }) => operation },
        ...(options.allUsers === true ? [{ name: 'FOR', of: ({ user }: AuditLine) => user ?? '' }] : []),
        { name: 'ALLOWED', of: ({ allowed, reason }) => (allowed ? 'yes' : `no: ${reason ?? ''}`) },
        { name: 'ON', of: ({ resource }) => resource ?? '' },
      ],
      none,
    )
  },
})

const holds = (one: AuditLine, wanted: string): boolean =>
  [one.actor, one.operation, one.resource, one.reason, one.key, one.user].some((part) => part?.includes(wanted))

const list = recorded({
  name: 'list',
  operation: 'audit.list',
  description: 'List audit records, newest first',
  none: 'There are no records.',
})

export const auditCommands: readonly CliCommand[] = [
  {
    ...list,
    standard: true,
    options: [...(list.options ?? []), ['--incidents', 'Only refused operations, as in `troupe audit incidents`']],
  },
  recorded({
    name: 'search',
    operation: 'audit.list',
    parameters: '<text>',
    description: 'Search audit records for a text in actor, operation, resource or reason',
    none: 'No record contains it.',
  }),
  recorded(incidents),
  {
    name: 'audit export',
    description: 'Export the log of all users as lines of JSON, for storage and for `audit verify --export`',
    options: [['--out <file>', 'Write to this file, which must not exist (default: standard output)']],
    async run({ client, out }, _, options) {
      const pieces = (await client()).text('audit.export')
      const path = text(options, 'out')
      if (path === undefined) for await (const piece of pieces) out.raw(piece)
      else {
        await writeNewFile(path, pieces)
        out.show({ file: path }, () => `${safe(path)} holds the log.`)
      }
    },
  },
  {
    name: 'audit verify',
    here: true,
    parameters: '<checkpoints>',
    description:
      'Verify the log against its signed checkpoints, a file of JSON lines; no process may have the database open',
    options: [
      ['--public-key <file>', 'The file (PEM) of the public Ed25519 key of the signatures'],
      ['--export <file>', 'Verify this exported log in place of the database'],
    ],
    async run(context, [checkpoints = ''], options) {
      const path = text(options, 'publicKey')
      if (path === undefined)
        throw misused(
          'audit verify needs --public-key.',
          'Name the PEM file of the public key that belongs to the key of the checkpoints.',
        )
      const unread = (file: string) => (error: Error) => {
        throw misused(`${file} cannot be read: ${error.message}.`)
      }
      const publicKey = await readFile(path, 'utf8').catch(unread(path))
      const exported = text(options, 'export')
      const { storageOf, verifyAudit } = await import('../../operations/index.ts')
      const stored = async () => {
        const { config: opened } = await loadStorageConfig(context)
        await needDatabase(opened)
        return storageOf(opened)
      }
      const from = exported === undefined ? { storage: await stored() } : { export: exported }
      await access(checkpoints, constants.R_OK).catch(unread(checkpoints))
      const report = await verifyAudit({ ...from, checkpoints, publicKey })
      const { out } = context
      out.document(report)
      out.print(`${report.covered} of ${report.size} records are as they were signed.`)
      for (const { kind, n, problem } of report.findings)
        out.print(`${out.style('red', kind)}${n === undefined ? '' : ` at ${n}`}: ${safe(problem)}`)
      if (report.findings.length === 0 && !report.ok) out.print('No checkpoint covers the log.')
      return report.ok ? exitCodes.ok : exitCodes.failed
    },
  },
]
