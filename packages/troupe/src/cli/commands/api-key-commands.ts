/** API keys of the server. */

import type { AnswerOf } from '../../client/index.ts'
import { type CliCommand, listed, text } from '../cli-command.ts'
import { misused } from '../exit-codes.ts'
import { safe } from '../output/safe.ts'

type Made = AnswerOf<'apiKeys.create'>

const shownOnce = ({ id, key }: Made) => `${key}\n\nIts id is ${id}. It is shown only once: store it with your secrets.`

export const apiKeyCommands: readonly CliCommand[] = [
  {
    name: 'api-keys create',
    parameters: '<name>',
    description: 'Create an API key and show it once',
    options: [
      ['--users <ids>', 'Its users, separated by commas, or all (default: the one of --user)'],
      ['--role <name>', 'Its role: readonly, contributor, moderator, admin, or your own (default: contributor)'],
      ['--operations <names>', 'Its only operations, separated by commas'],
      ['--as <agent>', 'The agent to which it is bound'],
      [
        '--taint <labels>',
        'Labels of all that it writes and starts, separated by commas (default: untrusted:AGENT with --as)',
      ],
      ['--expires-in <duration>', 'Its lifetime, such as 30d'],
    ],
    async run({ client, out, flags }, [name = ''], options) {
      const users = text(options, 'users') ?? flags.user ?? 'default'
      const body = {
        name,
        users: users === 'all' ? ('all' as const) : users.split(',').filter(Boolean),
        role: text(options, 'role'),
        operations: listed(options, 'operations'),
        agent: text(options, 'as'),
        taint: listed(options, 'taint'),
        expiresIn: text(options, 'expiresIn'),
      }
      out.show(await (await client({ absent: 'made' })).call('apiKeys.create', { body }), shownOnce)
    },
  },
  {
    name: 'api-keys list',
    description: 'List API keys, without their secrets',
    async run({ client, out }) {
      const found = await Array.fromAsync((await client()).pages('apiKeys.list'))
      out.table(
        found,
        [
          { name: 'ID', of: ({ id }) => id },
          { name: 'NAME', of: ({ name }) => name },
          { name: 'FOR', of: ({ users }) => (users === 'all' ? 'all' : users.join(',')) },
          { name: 'ROLE', of: ({ role }) => role },
          {
            name: 'STATE',
            of: ({ state, rotationDue }) => (rotationDue && state === 'valid' ? 'valid, rotation due' : state),
          },
          { name: 'EXPIRES', of: ({ expiresAt }) => expiresAt ?? 'never' },
        ],
        'There are no keys. `troupe api-keys create NAME` makes one.',
      )
    },
  },
  {
    name: 'api-keys link',
    description: 'Create a link that opens the studio of a server once, within five minutes',
    options: [
      ['--users <ids>', 'Its users, separated by commas (default: all)'],
      ['--role <name>', 'Its role: readonly, contributor, moderator, admin, or your own (default: admin)'],
    ],
    async run({ client, out }, _, options) {
      const opened = await client()
      if (!opened.remote)
        throw misused('api-keys link needs a server: no server serves the studio here.', '`troupe serve` starts one.')
      const body = { users: listed(options, 'users'), role: text(options, 'role') }
      const { path } = await opened.call('links.create', { body })
      out.show({ link: opened.location + path }, ({ link }) => link)
    },
  },
  {
    name: 'api-keys rotate',
    parameters: '<id>',
    description: 'Rotate an API key: create its successor; the old key stays valid for a while',
    options: [['--overlap <duration>', 'How long the old key remains valid (default: 24h)']],
    async run({ client, out }, [id = ''], options) {
      const body = { overlap: text(options, 'overlap') }
      out.show(await (await client()).call('apiKeys.rotate', { path: { key: id }, body }), shownOnce)
    },
  },
  {
    name: 'api-keys revoke',
    parameters: '<id>',
    description: 'Revoke an API key, at once and everywhere',
    async run({ client, out }, [id = '']) {
      await (await client()).call('apiKeys.revoke', { path: { key: id } })
      out.show({ ok: true }, () => `${safe(id)} is revoked.`)
    },
  },
]
