/** Who did what, and what was refused. */
import { createWriteStream } from 'node:fs'
import { access, constants, readFile } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { needDatabase } from '../api/open.ts'
import { type Command, mostOf, paging, text } from '../command.ts'
import { CliError, exitCodes, misused } from '../exit-codes.ts'
import { ofStorage } from '../hands.ts'
import { safe } from '../output/safe.ts'

interface Deed {
  readonly at: number
  readonly user?: string
  readonly actor: string
  readonly key?: string
  readonly operation: string
  readonly resource?: string
  readonly allowed: boolean
  readonly reason?: string
}

const searched = [
  ['--actor <name>', 'only what this agent did; host is trusted code'],
  ['--operation <name>', 'only this, such as push_context'],
  ['--resource <name>', 'only about this key, recipient or run'],
  ['--from <time>', 'as ISO text'],
  ['--to <time>', 'as ISO text'],
  ['--everybody', 'of all users, and of the troupe as a whole'],
] as const

interface Listing {
  readonly name: string
  readonly path: string
  readonly says: string
  readonly none: string
  /** What must stand in a record, where something is taken. */
  readonly takes?: '<text>'
}

const incidents: Listing = {
  name: 'incidents',
  path: '/v1/incidents',
  says: 'what was refused, the newest first',
  none: 'Nothing was refused.',
}

const recorded = (listing: Listing): Command => ({
  name: `audit ${listing.name}`,
  says: listing.says,
  ...(listing.takes === undefined ? {} : { takes: listing.takes }),
  options: [...paging(50), ...searched],
  async run({ api, out }, [wanted], options) {
    const { path, none, takes } = options.incidents === true ? incidents : listing
    const query = {
      ...Object.fromEntries(['actor', 'operation', 'resource', 'from', 'to'].map((one) => [one, text(options, one)])),
      ...(options.everybody === true ? { everybody: true } : {}),
    }
    const found: Deed[] = []
    const most = mostOf(options, 50)
    const all = (await api()).pages<Deed>({ path, query }, takes === undefined ? most : Number.POSITIVE_INFINITY)
    for await (const one of all) {
      if (wanted === undefined || holds(one, wanted)) found.push(one)
      if (found.length >= most) break
    }
    out.table(
      found,
      [
        { name: 'AT', of: ({ at }) => new Date(at).toISOString() },
        { name: 'WHO', of: ({ actor }) => actor },
        { name: 'DID', of: ({ operation }) => operation },
        ...(options.everybody === true ? [{ name: 'FOR', of: ({ user }: Deed) => user ?? '' }] : []),
        { name: 'ALLOWED', of: ({ allowed, reason }) => (allowed ? 'yes' : `no: ${reason ?? ''}`) },
        { name: 'ON', of: ({ resource }) => resource ?? '' },
      ],
      none,
    )
    return undefined
  },
})

const holds = (one: Deed, wanted: string): boolean =>
  [one.actor, one.operation, one.resource, one.reason, one.key, one.user].some((part) => part?.includes(wanted))

const list = recorded({
  name: 'list',
  path: '/v1/audit',
  says: 'who did what, the newest first',
  none: 'Nothing is recorded.',
})

export const auditCommands: readonly Command[] = [
  {
    ...list,
    standard: true,
    options: [...(list.options ?? []), ['--incidents', 'only what was refused: the same as `troupe audit incidents`']],
  },
  recorded({
    name: 'search',
    path: '/v1/audit',
    takes: '<text>',
    says: 'records in which a text stands, whether as who, what, about what or why',
    none: 'It stands in no record.',
  }),
  recorded(incidents),
  {
    name: 'audit export',
    says: 'the whole log of everybody as lines of JSON, for keeping and for `audit verify --export`',
    options: [['--out <file>', 'a file that is not there yet; standard output otherwise']],
    async run({ api, out }, _, options) {
      const pieces = (await api()).text({ path: '/v1/audit/export' })
      const path = text(options, 'out')
      if (path === undefined) for await (const piece of pieces) out.raw(piece)
      else {
        await pipeline(pieces, createWriteStream(path, { flags: 'wx', mode: 0o600 })).catch((error: Error) => {
          if (error instanceof CliError) throw error
          throw misused(`${path} cannot be written: ${error.message}.`)
        })
        out.show({ file: path }, () => `${safe(path)} holds the log.`)
      }
      return undefined
    },
  },
  {
    name: 'audit verify',
    here: true,
    takes: '<checkpoints>',
    says: 'whether the log is as its checkpoints, a file of JSON lines, were signed; of a database that nobody has open',
    options: [
      ['--public-key <file>', 'PEM of the Ed25519 key that signed them'],
      ['--export <file>', 'of an exported log, in place of the database of the configuration'],
    ],
    async run(hands, [checkpoints = ''], options) {
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
      const { storageOf, verifyAudit } = await import('../../runtime/index.ts')
      const stored = async () => {
        const { config: opened } = await ofStorage(hands)
        await needDatabase(opened)
        return storageOf(opened)
      }
      const from = exported === undefined ? { storage: await stored() } : { export: exported }
      await access(checkpoints, constants.R_OK).catch(unread(checkpoints))
      const report = await verifyAudit({ ...from, checkpoints, publicKey })
      const { out } = hands
      out.document(report)
      out.say(`${report.covered} of ${report.size} records are as they were signed.`)
      for (const { kind, n, problem } of report.findings)
        out.say(`${out.style('red', kind)}${n === undefined ? '' : ` at ${n}`}: ${safe(problem)}`)
      if (report.findings.length === 0 && !report.ok) out.say('No checkpoint covers any of it.')
      return report.ok ? exitCodes.ok : exitCodes.failed
    },
  },
]
