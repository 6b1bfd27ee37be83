/** The programs of the assessment of 22 November 2026: each finding with the trials that repeat it. */
import { auditedUndo } from './own/audited-undo.ts'
import { erasedNames } from './own/erased-names.ts'
import { forkedApproval } from './own/forked-approval.ts'
import { heavyMcpServer } from './own/heavy-mcp-server.ts'
import { hostileHttp } from './own/hostile-http.ts'
import { mcpOfAnotherAgent } from './own/mcp-of-another-agent.ts'
import { productionTransport } from './own/production-transport.ts'
import { unstorableText } from './own/unstorable-text.ts'
import type { Program } from './trial.ts'

/** By their numbers in the assessment, each of which has a program. */
export const findings = ['A1', 'A2', 'A3', 'A4', 'A5', 'A6', 'A7', 'A8', 'A8b', 'A8c', 'A9', 'A10'] as const

const access = 'src/server/access'
const signIn = `${access}/sign-in.test.ts`
export const programs: readonly Program[] = [
  {
    number: '01',
    findings: ['A4'],
    name: 'a key of one agent reads records of runs of other agents',
    rows: /^identity\/another-agent\//,
    tests: [{ file: `${access}/agent-access.test.ts` }],
  },
  {
    number: '02',
    findings: ['A4', 'A7'],
    name: 'approvals show something else, come from the asking agent, or lack the hash',
    rows: /^trust\/(text|answer|way\/(the-agent|another-key))/,
  },
  {
    number: '03',
    findings: ['A2'],
    name: 'a pattern of an evaluation stops the server',
    rows: /^code\/score\//,
    tests: [{ file: 'src/security/evaluator/bounded-evaluator.test.ts' }],
  },
  {
    number: '04',
    findings: [],
    name: 'every route for callers without rights, and hostile texts in parameters',
    rows: /^identity\//,
    tests: [{ file: `${access}/route-access.test.ts` }, { file: 'src/server/hostile-values.test.ts' }],
  },
  {
    number: '05',
    findings: ['A9', 'A10'],
    name: 'HTTP: guesses, cookies, floods, overrides, paths, hosts, smuggling, streams',
    tests: [
      { file: signIn, titles: ['A server behind a proxy', 'A sign-in is rejected with anything but a valid API key'] },
      { file: 'src/server/streams/streams.test.ts', titles: ['A stream whose key is revoked ends with a problem'] },
      { file: 'src/server/connection-limits.test.ts' },
      { file: `${access}/attacks.test.ts` },
    ],
    trial: hostileHttp,
  },
  {
    number: '06',
    findings: ['A6', 'A9'],
    name: 'a model that obeys every text, on every channel',
    rows: /^((exfil|mcp)\/[^/]+\/direct|(grant|as|as-outer|flow)\/.*)$/,
    tests: [
      { file: 'src/runs/schedules/schedule-sources.test.ts', titles: ['A run started by a context change has'] },
      {
        file: 'src/server/callers.test.ts',
        titles: ['A key with labels puts them', 'A key that is bound to an agent'],
      },
    ],
  },
  {
    number: '07',
    findings: [],
    name: 'forms of addresses that lead inside',
    tests: [{ file: 'src/security/egress/egress.test.ts' }, { file: 'test/mcp/egress.test.ts' }],
  },
  {
    number: '08',
    findings: ['A3', 'A9'],
    name: 'records taken out of the audit log, with forged excuses, and a database rolled back',
    tests: [{ file: 'src/operations/verify-audit.test.ts' }],
  },
  {
    number: '09',
    findings: [],
    name: 'canaries in files, dumps, logs, backups and pages',
    tests: [{ file: 'test/attacks/canaries/canaries.test.ts' }],
  },
  {
    number: '10',
    findings: ['A1', 'A8'],
    name: 'approvals by forks and evaluations, and budgets that a caller widens',
    rows: /^trust\/way\/(fork|retry|live-evaluation)/,
    tests: [{ file: 'src/server/ceilings.test.ts' }],
  },
  {
    number: '11',
    findings: ['A1'],
    name: 'a fork turns a refused approval into a given one',
    trial: forkedApproval,
  },
  {
    number: '12',
    findings: ['A4'],
    name: 'an MCP client reads runs of other agents, and approves by answer_run',
    rows: /^trust\/answer\/MCP\//,
    trial: mcpOfAnotherAgent,
  },
  {
    number: '13',
    findings: ['A5'],
    name: 'requests that the audit log does not record',
    rows: /^rogue\//,
    tests: [{ file: `${access}/audited-routes.test.ts` }, { file: 'test/mcp/audited-calls.test.ts' }],
  },
  {
    number: '14',
    findings: ['A2'],
    name: 'hostile values in bodies, and heavy requests',
    rows: /^consumption\//,
    tests: [{ file: 'src/server/hostile-values.test.ts' }],
  },
  {
    number: '15',
    findings: ['A3'],
    name: 'PostgreSQL: users of one pool, and the login of the application by itself',
    rows: /^pooled\//,
    tests: [{ file: 'test/postgres/row-level-security.test.ts' }, { file: 'test/postgres/roles.test.ts' }],
  },
  {
    number: '16',
    findings: ['A10'],
    name: 'texts that no database stores, in tags, tasks and values',
    trial: unstorableText,
  },
  {
    number: '17',
    findings: ['A10'],
    name: 'names of an erased user in what shared and revoked keys leave',
    trial: erasedNames,
  },
  {
    number: '18',
    findings: ['A8', 'A8b'],
    name: 'heavy schemas of an MCP server, and schedules that outlive their key',
    tests: [
      {
        file: 'src/server/callers.test.ts',
        titles: ['A schedule that an API key made pauses', 'A schedule that a token'],
      },
    ],
    trial: heavyMcpServer,
  },
  {
    number: '19',
    findings: ['A8'],
    name: 'the budget of a team, widened by its caller',
    tests: [{ file: 'src/server/ceilings.test.ts', titles: ['A caller of a server cannot widen the budget'] }],
  },
  {
    number: '20',
    findings: ['A5'],
    name: 'an undo with an effect outside, without a record',
    trial: auditedUndo,
  },
  {
    number: '21',
    findings: ['A9'],
    name: 'production without TLS, or with unchecked certificates',
    trial: productionTransport,
  },
  {
    number: '22',
    findings: ['A8c'],
    name: 'live parts of runs, read and forged by another login of the server',
    tests: [{ file: 'test/postgres/live-parts.test.ts' }],
  },
]
