/** Who did what, and what was refused. */
import { readFile } from 'node:fs/promises'
import type { VerifyAuditOptions } from '../../runtime/index.ts'
import { type Command, mostOf, paging, text } from '../command.ts'
import { exitCodes, misused } from '../exit-codes.ts'
import { usable } from '../hands.ts'
import { safe } from '../output/safe.ts'

interface Deed {
  readonly at: number
  readonly actor: string
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
] as const

const recorded = (name: string, path: string, says: string, none: string): Command => ({
  name: `audit ${name}`,
  says,
  options: [...paging(50), ...searched],
  async run({ api, out }, _, options) {
    const query = Object.fromEntries(
      ['actor', 'operation', 'resource', 'from', 'to'].map((one) => [one, text(options, one)]),
    )
    const found: Deed[] = []
    for await (const one of (await api()).pages<Deed>({ path, query }, mostOf(options, 50))) found.push(one)
    out.table(
      found,
      [
        { name: 'AT', of: ({ at }) => new Date(at).toISOString() },
        { name: 'WHO', of: ({ actor }) => actor },
        { name: 'DID', of: ({ operation }) => operation },
        { name: 'ALLOWED', of: ({ allowed, reason }) => (allowed ? 'yes' : `no: ${reason ?? ''}`) },
        { name: 'ON', of: ({ resource }) => resource ?? '' },
      ],
      none,
    )
    return undefined
  },
})

export const auditCommands: readonly Command[] = [
  recorded('list', '/v1/audit', 'who did what, the newest first', 'Nothing is recorded.'),
  recorded('incidents', '/v1/incidents', 'what was refused, the newest first', 'Nothing was refused.'),
  {
    name: 'audit verify',
    takes: '<checkpoints>',
    says: 'whether the log is as its checkpoints, a file of JSON lines, were signed; of a database that nobody has open',
    options: [
      ['--public-key <file>', 'PEM of the Ed25519 key that signed them'],
      ['--export <file>', 'of an exported log, in place of the database of the configuration'],
    ],
    async run({ config, out }, [checkpoints = ''], options) {
      const path = text(options, 'publicKey')
      if (path === undefined) throw misused('audit verify needs --public-key.', 'The key that signs is no help here.')
      const publicKey = await readFile(path, 'utf8').catch((error: Error) => {
        throw misused(`${path} cannot be read: ${error.message}.`)
      })
      const exported = text(options, 'export')
      const { verifyAudit } = await import('../../runtime/index.ts')
      const from = exported === undefined ? { storage: storageOf(usable(await config())) } : { export: exported }
      const report = await verifyAudit({ ...from, checkpoints, publicKey })
      out.document(report)
      out.say(`${report.covered} of ${report.size} records are as they were signed.`)
      for (const { kind, n, problem } of report.findings)
        out.say(`${out.style('red', kind)}${n === undefined ? '' : ` at ${n}`}: ${safe(problem)}`)
      if (report.findings.length === 0 && !report.ok) out.say('No checkpoint covers any of it.')
      return report.ok ? exitCodes.ok : exitCodes.failed
    },
  },
]

function storageOf({ config: { storage } }: ReturnType<typeof usable>): NonNullable<VerifyAuditOptions['storage']> {
  const isPlain = typeof storage === 'string' || Object.values(storage).every((value) => typeof value !== 'object')
  if (isPlain) return storage as NonNullable<VerifyAuditOptions['storage']>
  throw misused('The storage of the configuration names secrets.', 'Give --storage with its URL, or --export.')
}
