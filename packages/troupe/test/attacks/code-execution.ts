/** Rows about text that becomes code: patterns, expressions, topologies, templates and paths that a caller gives, and heavy requests. */
import { defineAgent } from '../../src/index.ts'
import type { Attack, AttackAction } from './attack.ts'
import { heldMs } from './held.ts'
import { send, targetOf } from './target-user.ts'

const hostile: Readonly<Record<string, string>> = {
  sql: `'; drop table context_entries; --`,
  union: `' union select current_user, version() --`,
  sleep: `'||pg_sleep(5)||'`,
  nul: 'a\u0000b',
  surrogate: '\ud800',
  percent: '%_%',
  jsonpath: '$.**?(@ like_regex "^(a+)+$")',
  template: '{{7919*104729}}$'.concat('{7919*104729}#{7919*104729}<%= 7919*104729 %>'),
  prototype: '__proto__',
  constructor: 'constructor.prototype',
  path: '../../../../etc/passwd',
  'windows path': '..\\..\\windows\\win.ini',
  shell: '$(touch /tmp/owned)`id`;id|id',
  redos: `${'a'.repeat(40)}!`,
  pattern: '(a+)+$',
  stars: `${'*'.repeat(60)}x`,
  braces: '{a,b}'.repeat(30),
  html: '<img src=x onerror=alert(1)><script>alert(1)</script>',
  header: 'x\r\nset-cookie: a=b',
  label: 'x"} 1\ntroupe_forged_total{a="b',
  csv: '=cmd|"/c calc"!A1',
  ansi: '\u001b]0;owned\u0007\u001b[2J',
  overflow: '9'.repeat(400),
  nosql: '{"$gt":""}',
  'xml entity': '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
  log4j: '$'.concat('{jndi:ldap://127.0.0.1:1/a}'),
  rtl: '\u202egpj.exe',
  long: 'k'.repeat(5_000),
}

const q = encodeURIComponent
/** A lone surrogate has no encoding in an address. */
const safe = (text: string) => q(text.toWellFormed())
type Request = readonly [method: string, path: string, body?: unknown]
const sinks: Readonly<Record<string, (text: string) => Request>> = {
  'name of an entry key': (text) => ['PUT', `/v1/context/entries/${safe(text)}`, { value: 1 }],
  'value of an entry': (text) => ['PUT', '/v1/context/entries/hostile', { value: text, topics: ['t'] }],
  'topic of an entry': (text) => ['PUT', '/v1/context/entries/hostile', { value: 1, topics: [text] }],
  'pattern of a list': (text) => ['GET', `/v1/context/keys?pattern=${safe(text)}`],
  'search for runs': (text) => ['GET', `/v1/runs?search=${safe(text)}`],
  'tag filter of runs': (text) => ['GET', `/v1/runs?tags=${safe(text)}`],
  'tag of a run': (text) => ['POST', '/v1/runs', { agent: 'None', task: 1, tags: [text] }],
  'name of a team': (text) => ['POST', '/v1/runs', { team: text, task: 1 }],
  'flow of a topology': (text) => ['POST', '/v1/check', { topology: { agents: ['A'], flows: [text] } }],
  'id of a run': (text) => ['GET', `/v1/runs/${safe(text)}`],
  'cron of a schedule': (text) => ['POST', '/v1/schedules', { team: 'solo', task: 1, every: text }],
  'pattern of a schedule': (text) => ['POST', '/v1/schedules', { team: 'solo', onContext: { pattern: text } }],
  'type of a message': (text) => ['POST', '/v1/messages', { type: text, payload: 1, to: 'Box' }],
  'recipient of a message': (text) => ['POST', '/v1/messages', { type: 'n', payload: text, to: text }],
  'name of a mailbox': (text) => ['GET', `/v1/mailboxes/${safe(text)}`],
  'cursor of a list': (text) => ['GET', `/v1/runs?cursor=${safe(text)}`],
  'name of an API key': (text) => ['POST', '/v1/api-keys', { name: text, users: ['caller'] }],
}

/** Values that become a pattern or a schema of the caller's, and cost time where they run in the thread of the server. */
const expressions: Readonly<Record<string, object>> = {
  'nested quantifier': { type: 'string', pattern: '^(a+)+$' },
  alternation: { type: 'string', pattern: '^(a|a)*$' },
  'repeated group': { type: 'string', pattern: '^(a*)*$' },
  lookahead: { type: 'string', pattern: '^(?=(a+)+$)' },
  references: {
    $defs: Object.fromEntries(
      Array.from({ length: 17 }, (_, i) => [
        `d${i}`,
        i < 16 ? { anyOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] } : { type: 'number' },
      ]),
    ),
    $ref: '#/$defs/d0',
  },
}

const heavy: Readonly<Record<string, () => Request>> = {
  'a million brackets': () => ['PUT', '/v1/context/entries/deep', `{"value":${'['.repeat(1_000_000)}`],
  'seventy thousand keys': () => [
    'PUT',
    '/v1/context/entries/wide',
    { value: Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, i])) },
  ],
  'twenty thousand flows': () => [
    'POST',
    '/v1/check',
    { topology: { agents: ['A'], flows: Array.from({ length: 20_000 }, (_, i) => `A${i} -> A${i + 1}`) } },
  ],
  'a cron that never comes': () => ['POST', '/v1/schedules', { team: 'solo', task: 1, every: '0 0 31 2 *' }],
  'ten thousand recipients': () => [
    'POST',
    '/v1/messages/broadcast',
    { type: 'n', payload: 1, to: Array.from({ length: 10_000 }, (_, i) => `B${i}`) },
  ],
  'ten thousand operations': () => [
    'POST',
    '/v1/context/batch',
    { operations: Array.from({ length: 10_000 }, (_, i) => ({ type: 'get', key: `k${i}` })) },
  ],
  'a limit beyond all': () => ['GET', '/v1/runs?limit=99999999999999999999'],
  'a hundred tags': () => ['GET', `/v1/runs?${Array.from({ length: 100 }, (_, i) => `tags=t${i}`).join('&')}`],
  'a schema that names itself': () => [
    'POST',
    '/v1/evaluations',
    { runs: [], change: {}, score: { schema: { $ref: '#' } } },
  ],
  'a long search': () => ['GET', `/v1/runs?search=${'a'.repeat(3_000)}`],
  'fifty thousand ids': () => [
    'POST',
    '/v1/evaluations',
    { runs: Array.from({ length: 50_000 }, (_, i) => `r${i}`), change: {}, score: 'exact' },
  ],
  'a body of two megabytes': () => ['PUT', '/v1/context/entries/big', { value: 'x'.repeat(2_000_000) }],
}

const slug = (text: string) => text.replaceAll(/[^\w]+/g, '-')
const base = { source: 'a caller over HTTP', policy: 'default', expected: 'blocked' } as const
export const codeExecution: readonly Attack[] = [
  ...Object.keys(sinks).flatMap((sink) =>
    Object.entries(hostile).map(
      ([name, payload]): Attack => ({
        ...base,
        id: `code/${slug(sink)}/${slug(name)}`,
        family: 'code execution',
        channel: sink,
        payload,
        goal: 'have text run as code, or make the server fail',
      }),
    ),
  ),
  ...Object.entries(expressions).map(
    ([name, schema]): Attack => ({
      ...base,
      id: `code/score/${slug(name)}`,
      family: 'code execution',
      channel: 'score of an evaluation',
      payload: JSON.stringify(schema),
      goal: 'hold the thread of the server',
    }),
  ),
  ...Object.keys(heavy).map(
    (name): Attack => ({
      ...base,
      id: `consumption/${slug(name)}`,
      family: 'consumption',
      channel: 'heavy request',
      payload: name,
      goal: 'hold the thread of the server',
    }),
  ),
]

/** Its answer makes a pattern with nested quantifiers try for long. */
const echoOfLetters = defineAgent({ name: 'Letters', run: async () => `${'a'.repeat(22)}!` })

/** For so long, in processor time, a request may hold the thread of the server. */
const holdMs = 400
/** What only the inside of a server says; a line of a stack names a file or a module of Node in brackets. */
const inside =
  /\.ts:\d|node_modules|\bat [\w.$<> ]+ \((?:file:|node:|\/|<)|error at or near|pg_|sqlite_|829348951|root:x:0/i

async function outcomeOf(testbed: Parameters<AttackAction>[1], [method, path, body]: Request, payload: string) {
  const { keys } = await targetOf(testbed)
  const key = keys['the caller']
  const { status, text } = await send(testbed.url, method, path, { key, body, headers: { 'troupe-user': 'caller' } })
  const leaked = inside.test(text.replaceAll(payload, '').replaceAll(JSON.stringify(payload).slice(1, -1), ''))
  return { status, leaked, text }
}

const textBecomesCode: AttackAction = async ({ channel, payload }, testbed) => {
  const request = (sinks[channel] as (typeof sinks)[string])(payload)
  await targetOf(testbed)
  let answer = { status: 0, leaked: false, text: '' }
  const longest = await heldMs(async () => {
    answer = await outcomeOf(testbed, request, payload)
  })
  const { status, leaked, text } = answer
  return {
    succeeded: status >= 500 || leaked || longest > holdMs,
    asked: false,
    reached: true,
    detail: `${status}, held for ${longest.toFixed(0)} ms ${text.slice(0, 400)}`,
  }
}

export const codeExecutionActions: Readonly<Record<string, AttackAction>> = {
  ...Object.fromEntries(Object.keys(sinks).map((sink) => [sink, textBecomesCode])),
  'score of an evaluation': async ({ payload }, testbed) => {
    const run = await testbed.troupe.user('caller').orchestra.start({
      task: 1,
      topology: { agents: [echoOfLetters], flows: ['Start -> Letters', 'Letters -> End'] },
    })
    await run.result()
    const body = { runs: [run.id], change: {}, score: { schema: JSON.parse(payload) } }
    let status = 0
    const longest = await heldMs(async () => {
      status = (await outcomeOf(testbed, ['POST', '/v1/evaluations', body], payload)).status
    })
    return {
      succeeded: longest > holdMs,
      asked: false,
      reached: true,
      detail: `${status}, held for ${longest.toFixed(0)} ms`,
    }
  },
  'heavy request': async ({ payload }, testbed) => {
    await targetOf(testbed)
    let detail = ''
    let status = 0
    const longest = await heldMs(async () => {
      const answer = await outcomeOf(testbed, (heavy[payload] as () => Request)(), payload)
      status = answer.status
      detail = `${status} ${answer.text.slice(0, 100)}`
    })
    return {
      succeeded: status >= 500 || longest > holdMs,
      asked: false,
      reached: true,
      detail: `${detail}, held for ${longest.toFixed(0)} ms`,
    }
  },
}
