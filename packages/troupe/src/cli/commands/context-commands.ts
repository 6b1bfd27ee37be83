/** The shared context. */

import type { ClientSchemas, ItemOf } from '../../client/index.ts'
import { type CliCommand, integerOption, listed, listLimit, pagingOptions, text } from '../cli-command.ts'
import { exitCodes } from '../exit-codes.ts'
import { oneLine, safe } from '../output/safe.ts'
import { part } from '../transport/api.ts'
import { readValue } from './read-value.ts'

type Entry = ClientSchemas['HistoryEntry']
interface Change {
  readonly type: string
  readonly key?: string
  readonly value?: unknown
  readonly version?: number
  readonly revision: number
}

const at = (key: string, rest = '') => `/v1/context/entries/${part(key)}${rest}`
const audienceText = (audience: Entry['audience']) =>
  typeof audience === 'string'
    ? audience
    : [...audience.subscribers, ...audience.topics.map((one) => `#${one}`)].join(' ')

export const contextCommands: readonly CliCommand[] = [
  {
    name: 'context list',
    description: 'the entries, by key',
    options: [
      ['--prefix <text>', 'only keys that begin so'],
      ['--pattern <text>', 'only keys that fit: * any run, ? one'],
      ['--topic <name>', 'only those of this topic'],
      ...pagingOptions(100),
    ],
    async run({ api, out }, _, options) {
      const query = {
        prefix: text(options, 'prefix'),
        pattern: text(options, 'pattern'),
        topic: text(options, 'topic'),
      }
      const found: Entry[] = []
      for await (const one of (await api()).pages<Entry>(
        { path: '/v1/context/entries', query },
        listLimit(options, 100),
      ))
        found.push(one)
      out.table(
        found,
        [
          { name: 'KEY', of: ({ key }) => key },
          { name: 'VERSION', of: ({ version }) => version },
          { name: 'OWNER', of: ({ owner }) => owner },
          { name: 'FOR', of: ({ audience }) => audienceText(audience) },
          { name: 'VALUE', of: ({ value }) => JSON.stringify(value) },
        ],
        'Nothing is there.',
      )
      return undefined
    },
  },
  {
    name: 'context get',
    parameters: '<key>',
    description: 'the value of an entry, as JSON',
    options: [['--entry', 'all of it: version, owner, audience, where it comes from']],
    async run({ api, out }, [key = ''], { entry }) {
      const found = await (await api()).call<Entry>({ path: at(key) })
      const shown = entry === true ? found : found.value
      out.show(shown, (value) => safe(JSON.stringify(value, undefined, 2)))
      return undefined
    },
  },
  {
    name: 'context set',
    parameters: '<key> <value>',
    description: 'writes an entry: JSON or text, @file, or - for standard input',
    options: [
      ['--audience <audience>', 'everyone or owner'],
      ['--subscribers <names>', 'with commas between'],
      ['--topics <names>', 'with commas between'],
      ['--ttl <duration>', 'such as 1h'],
      ['--lifecycle <name>', 'session, cache, temporary, daily, permanent, or your own'],
      ['--if-version <n>', 'only over this version; 0: only when absent'],
    ],
    async run({ api, out }, [key = '', valueText = ''], options) {
      const body = {
        value: readValue(valueText),
        audience: text(options, 'audience'),
        subscribers: listed(options, 'subscribers'),
        topics: listed(options, 'topics'),
        ttl: text(options, 'ttl'),
        lifecycle: text(options, 'lifecycle'),
        ...(options.ifVersion === undefined ? {} : { ifVersion: integerOption(options, 'ifVersion', 0) }),
      }
      const pushed = await (await api({ absent: 'made' })).call<{ key: string; version?: number }>({
        method: 'PUT',
        path: at(key),
        body,
      })
      out.show(pushed, ({ version }) => `${safe(key)}: version ${version ?? '?'}`)
      return undefined
    },
  },
  {
    name: 'context delete',
    parameters: '<key>',
    description: 'deletes an entry',
    async run({ api, out }, [key = '']) {
      const { deleted } = await (await api()).call<{ deleted: boolean }>({ method: 'DELETE', path: at(key) })
      out.show({ deleted }, () => (deleted ? 'Deleted.' : 'There was none.'))
      return deleted ? undefined : exitCodes.missing
    },
  },
  {
    name: 'context history',
    parameters: '<key>',
    description: 'its versions, the oldest first',
    async run({ api, out }, [key = '']) {
      const found: Entry[] = []
      for await (const one of (await api()).pages<Entry>({ path: at(key, '/history') })) found.push(one)
      out.table(
        found,
        [
          { name: 'VERSION', of: ({ version }) => version },
          { name: 'WRITTEN', of: ({ updatedAt }) => updatedAt },
          { name: 'BY', of: ({ owner }) => owner },
          { name: 'ENDED', of: ({ ended }) => ended ?? '' },
          { name: 'VALUE', of: ({ value }) => JSON.stringify(value) },
        ],
        'It has no versions that you may see.',
      )
      return undefined
    },
  },
  {
    name: 'context watch',
    description: 'changes as they happen, until Ctrl-C',
    options: [
      ['--pattern <text>', 'only keys that fit'],
      ['--from <position>', 'the changes after a revision or the position of a change first'],
    ],
    async run({ api, out }, _, options) {
      const query = { pattern: text(options, 'pattern'), from: text(options, 'from') }
      for await (const { event, data } of (await api()).events<Change>({ path: '/v1/context/watch', query })) {
        if (event === 'open') continue
        out.line(data)
        const value = data.value === undefined ? '' : ` = ${oneLine(data.value, Math.max(20, out.width - 60))}`
        out.print(
          `${String(data.revision).padStart(6)}  ${data.type.padEnd(8)}${data.key === undefined ? '' : oneLine(data.key)}${value}`,
        )
      }
      return undefined
    },
  },
  {
    name: 'context stats',
    description: 'how much there is',
    async run({ api, out }) {
      const stats = await (await api()).call<Record<string, number>>({ path: '/v1/context/stats' })
      if (out.json) out.document(stats)
      else
        out.facts(Object.fromEntries(Object.entries(stats).map(([name, value]) => [name, value.toLocaleString('en')])))
      return undefined
    },
  },
  {
    name: 'context topics',
    description: 'the topics, and how many listen to each',
    async run({ api, out }) {
      type Topic = ItemOf<'topics.list'>
      const found: Topic[] = []
      for await (const one of (await api()).pages<Topic>({ path: '/v1/topics' })) found.push(one)
      out.table(
        found,
        [
          { name: 'TOPIC', of: ({ topic }) => topic },
          { name: 'SUBSCRIBERS', of: ({ subscribers }) => subscribers },
        ],
        'There are no topics.',
      )
      return undefined
    },
  },
]
