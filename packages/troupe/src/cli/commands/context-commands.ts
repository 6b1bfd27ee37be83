/** The shared context. */

import type { ClientSchemas } from '../../client/index.ts'
import { type CliCommand, choice, integerOption, listed, listLimit, pagingOptions, text } from '../cli-command.ts'
import { exitCodes } from '../exit-codes.ts'
import { indented, oneLine, safe } from '../output/safe.ts'
import { readValue } from '../read-value.ts'

type Entry = ClientSchemas['HistoryEntry']

const audienceText = (audience: Entry['audience']) =>
  typeof audience === 'string'
    ? audience
    : [...audience.subscribers, ...audience.topics.map((one) => `#${one}`)].join(' ')

export const contextCommands: readonly CliCommand[] = [
  {
    name: 'context list',
    description: 'List entries, ordered by key',
    options: [
      ['--prefix <text>', 'Only keys with this prefix'],
      ['--pattern <text>', 'Only keys that match; * matches any text, ? one character'],
      ['--topic <name>', 'Only entries of this topic'],
      ...pagingOptions(100),
    ],
    async run({ client, out }, _, options) {
      const query = {
        prefix: text(options, 'prefix'),
        pattern: text(options, 'pattern'),
        topic: text(options, 'topic'),
      }
      const max = listLimit(options, 100)
      const found = await Array.fromAsync((await client()).pages('context.list', { query, max }))
      out.table(
        found,
        [
          { name: 'KEY', of: ({ key }) => key },
          { name: 'VERSION', of: ({ version }) => version },
          { name: 'OWNER', of: ({ owner }) => owner },
          { name: 'FOR', of: ({ audience }) => audienceText(audience) },
          { name: 'VALUE', of: ({ value }) => JSON.stringify(value) },
        ],
        'There are no entries.',
      )
    },
  },
  {
    name: 'context get',
    parameters: '<key>',
    description: 'Print the value of an entry, as JSON',
    options: [['--entry', 'The whole entry: value, version, owner, audience, labels']],
    async run({ client, out }, [key = ''], { entry }) {
      const found = await (await client()).call('context.get', { path: { key } })
      const shown = entry === true ? found : found.value
      out.show(shown, indented)
    },
  },
  {
    name: 'context set',
    parameters: '<key> <value>',
    description: 'Write an entry: JSON or text, @file, or - for standard input',
    options: [
      ['--audience <audience>', 'The readers: everyone or owner'],
      ['--subscribers <names>', 'The agents that may read it, separated by commas'],
      ['--topics <names>', 'The topics whose subscribers may read it, separated by commas'],
      ['--ttl <duration>', 'Its lifetime, such as 1h'],
      ['--lifecycle <name>', 'Its lifecycle: session, cache, temporary, daily, permanent, or your own'],
      ['--if-version <n>', 'Only if the entry has this version; 0: only if it does not exist'],
    ],
    async run({ client, out, signal }, [key = '', valueText = ''], options) {
      const body = {
        value: await readValue(valueText, signal),
        audience: choice<'everyone' | 'owner'>(options, 'audience'),
        subscribers: listed(options, 'subscribers'),
        topics: listed(options, 'topics'),
        ttl: text(options, 'ttl'),
        lifecycle: text(options, 'lifecycle'),
        ...(options.ifVersion === undefined ? {} : { ifVersion: integerOption(options, 'ifVersion', 0) }),
      }
      const pushed = await (await client({ absent: 'made' })).call('context.push', { path: { key }, body })
      out.show(pushed, ({ version }) => `${safe(key)}: version ${version ?? '?'}`)
    },
  },
  {
    name: 'context delete',
    parameters: '<key>',
    description: 'Delete an entry',
    async run({ client, out }, [key = '']) {
      const { deleted } = await (await client()).call('context.delete', { path: { key } })
      out.show({ deleted }, () => (deleted ? 'Deleted.' : 'There is no such entry.'))
      return deleted ? undefined : exitCodes.missing
    },
  },
  {
    name: 'context history',
    parameters: '<key>',
    description: 'List the versions of an entry, oldest first',
    async run({ client, out }, [key = '']) {
      const found = await Array.fromAsync((await client()).pages('context.history', { path: { key }, query: {} }))
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
    },
  },
  {
    name: 'context watch',
    description: 'Print changes as they happen, until Ctrl-C',
    options: [
      ['--pattern <text>', 'Only keys that match'],
      ['--from <position>', 'Begin after this revision, or after this position of a change'],
    ],
    async run({ client, out }, _, options) {
      const query = { pattern: text(options, 'pattern'), from: text(options, 'from') }
      for await (const { event, data } of (await client()).stream('context.watch', { query })) {
        if (event === 'open') continue
        out.line(data)
        const value = 'value' in data ? ` = ${oneLine(data.value, Math.max(20, out.width - 60))}` : ''
        const key = 'key' in data ? oneLine(data.key) : ''
        out.print(`${String(data.revision).padStart(6)}  ${data.type.padEnd(8)}${key}${value}`)
      }
    },
  },
  {
    name: 'context stats',
    description: 'Count entries, bytes and topics',
    async run({ client, out }) {
      const stats = await (await client()).call('context.stats')
      if (out.json) out.document(stats)
      else
        out.facts(Object.fromEntries(Object.entries(stats).map(([name, value]) => [name, value.toLocaleString('en')])))
    },
  },
  {
    name: 'context topics',
    description: 'List topics and the number of their subscribers',
    async run({ client, out }) {
      const found = await Array.fromAsync((await client()).pages('topics.list'))
      out.table(
        found,
        [
          { name: 'TOPIC', of: ({ topic }) => topic },
          { name: 'SUBSCRIBERS', of: ({ subscribers }) => subscribers },
        ],
        'There are no topics.',
      )
    },
  },
]
