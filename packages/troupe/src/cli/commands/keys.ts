/** API keys of the server. */
import { part } from '../api/api.ts'
import { type Command, listed, text } from '../command.ts'
import { misused } from '../exit-codes.ts'
import { safe } from '../output/safe.ts'

interface Key {
  readonly id: string
  readonly name: string
  readonly users: 'all' | readonly string[]
  readonly role: string
  readonly createdAt: string
  readonly expiresAt?: string
  readonly state: string
  readonly aged: boolean
}
interface Made {
  readonly id: string
  readonly key: string
}

const shownOnce = ({ id, key }: Made) =>
  `${key}\n\nIts id is ${id}. This is the only time that it is shown: keep it where secrets are kept.`

export const keyCommands: readonly Command[] = [
  {
    name: 'keys create',
    takes: '<name>',
    says: 'makes a key, and shows it this once',
    options: [
      ['--users <ids>', 'with commas between, or all (default: the one of --user)'],
      ['--role <name>', 'readonly, contributor, moderator, admin, or your own (default: contributor)'],
      ['--operations <names>', 'only these, with commas between'],
      ['--as <agent>', 'bound to this agent'],
      ['--expires-in <duration>', 'such as 30d'],
    ],
    async run({ api, out, flags }, [name = ''], options) {
      const users = text(options, 'users') ?? flags.user ?? 'default'
      const body = {
        name,
        users: users === 'all' ? 'all' : users.split(',').filter(Boolean),
        role: text(options, 'role'),
        operations: listed(options, 'operations'),
        agent: text(options, 'as'),
        expiresIn: text(options, 'expiresIn'),
      }
      out.show(await (await api({ absent: 'made' })).call<Made>({ method: 'POST', path: '/v1/keys', body }), shownOnce)
      return undefined
    },
  },
  {
    name: 'keys list',
    says: 'the keys, without their secrets',
    async run({ api, out }) {
      const found: Key[] = []
      for await (const one of (await api()).pages<Key>({ path: '/v1/keys' })) found.push(one)
      out.table(
        found,
        [
          { name: 'ID', of: ({ id }) => id },
          { name: 'NAME', of: ({ name }) => name },
          { name: 'FOR', of: ({ users }) => (users === 'all' ? 'all' : users.join(',')) },
          { name: 'ROLE', of: ({ role }) => role },
          { name: 'STATE', of: ({ state, aged }) => (aged && state === 'valid' ? 'valid, old: rotate it' : state) },
          { name: 'EXPIRES', of: ({ expiresAt }) => expiresAt ?? 'never' },
        ],
        'There are no keys. `troupe keys create NAME` makes one.',
      )
      return undefined
    },
  },
  {
    name: 'keys link',
    says: 'a link that opens the page of a server once, within five minutes',
    options: [
      ['--users <ids>', 'with commas between (default: all)'],
      ['--role <name>', 'readonly, contributor, moderator, admin, or your own (default: admin)'],
    ],
    async run({ api, out }, _, options) {
      const opened = await api()
      if (!opened.remote)
        throw misused('keys link needs a server: here nobody serves a page.', '`troupe serve` starts one.')
      const body = { users: listed(options, 'users'), role: text(options, 'role') }
      const { path } = await opened.call<{ path: string }>({ method: 'POST', path: '/v1/links', body })
      out.show({ link: opened.place + path }, ({ link }) => link)
      return undefined
    },
  },
  {
    name: 'keys rotate',
    takes: '<id>',
    says: 'makes the successor of a key, which works on for a while',
    options: [['--overlap <duration>', 'how long the old one works on (default: 24h)']],
    async run({ api, out }, [id = ''], options) {
      const body = { overlap: text(options, 'overlap') }
      out.show(await (await api()).call<Made>({ method: 'POST', path: `/v1/keys/${part(id)}/rotate`, body }), shownOnce)
      return undefined
    },
  },
  {
    name: 'keys revoke',
    takes: '<id>',
    says: 'ends a key, at once and everywhere',
    async run({ api, out }, [id = '']) {
      await (await api()).call({ method: 'DELETE', path: `/v1/keys/${part(id)}` })
      out.show({ ok: true }, () => `${safe(id)} is revoked.`)
      return undefined
    },
  },
]
