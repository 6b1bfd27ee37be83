/** Commands for mailboxes and their messages. */

import type { ClientSchemas } from '../../client/index.ts'
import { type CliCommand, choice, listLimit, pagingOptions, text } from '../cli-command.ts'
import { exitCodes, misused } from '../exit-codes.ts'
import { oneLine, safe } from '../output/safe.ts'
import { readValue } from '../read-value.ts'

type Message = ClientSchemas['Message']
type Counts = ClientSchemas['MailboxCounts']

export const messageCommands: readonly CliCommand[] = [
  {
    name: 'messages mailboxes',
    description: 'List mailboxes and the number of messages in each',
    async run({ client, out }) {
      const opened = await client()
      const found: ({ readonly mailbox: string } & Counts)[] = []
      for await (const mailbox of opened.pages('mailboxes.list'))
        found.push({ mailbox, ...(await opened.call('mailboxes.counts', { path: { mailbox } })) })
      out.table(
        found,
        [
          { name: 'MAILBOX', of: ({ mailbox }) => mailbox },
          { name: 'WAITING', of: ({ waiting }) => waiting },
          { name: 'LATER', of: ({ scheduled }) => scheduled },
          { name: 'AT WORK', of: ({ leased }) => leased },
          { name: 'UNREAD', of: ({ unread }) => unread },
          { name: 'DEAD', of: ({ dead }) => dead },
        ],
        'No message was sent yet.',
      )
    },
  },
  {
    name: 'messages list',
    parameters: '<mailbox>',
    description: 'List the messages of a mailbox, without marking them as read',
    options: pagingOptions(20),
    async run({ client, out }, [mailbox = ''], options) {
      const asked = { path: { mailbox }, query: {}, max: listLimit(options, 20) }
      const found = await Array.fromAsync((await client()).pages('mailboxes.messages', asked))
      out.table(
        found,
        [
          { name: 'ID', of: ({ id }) => id },
          { name: 'FROM', of: ({ from }) => from },
          { name: 'TYPE', of: ({ type }) => type },
          { name: 'SENT', of: ({ timestamp }) => timestamp },
          { name: 'PAYLOAD', of: ({ payload }) => JSON.stringify(payload) },
        ],
        'The mailbox is empty.',
      )
    },
  },
  {
    name: 'messages send',
    parameters: '<to> <type> <payload>',
    description: 'Send a message as the agent of --agent, or as the host',
    options: [
      ['--priority <name>', 'urgent, high, normal or low (default: normal)'],
      ['--ttl <duration>', 'Its lifetime, such as 1h; then it is not delivered'],
      ['--dedupe-id <id>', 'Send it only once with this id'],
    ],
    async run({ client, out, signal }, [to = '', type = '', valueText = ''], options) {
      const body = {
        to,
        type,
        payload: await readValue(valueText, signal),
        priority: choice<Message['priority']>(options, 'priority'),
        ttl: text(options, 'ttl'),
        dedupeId: text(options, 'dedupeId'),
      }
      out.show(await (await client({ absent: 'made' })).call('messages.send', { body }), ({ id }) => id)
    },
  },
  {
    name: 'messages dead-letters',
    parameters: '<mailbox>',
    description: 'List the dead letters of a mailbox and their reasons',
    async run({ client, out }, [mailbox = '']) {
      const found = await Array.fromAsync(
        (await client()).pages('mailboxes.deadLetters', { path: { mailbox }, query: {} }),
      )
      out.table(
        found,
        [
          { name: 'ID', of: ({ message }) => message.id },
          { name: 'FROM', of: ({ message }) => message.from },
          { name: 'TYPE', of: ({ message }) => message.type },
          { name: 'DIED', of: ({ diedAt }) => diedAt },
          { name: 'REASON', of: ({ reason }) => reason },
        ],
        'There are no dead letters.',
      )
    },
  },
  {
    name: 'messages redrive',
    parameters: '<mailbox> [ids...]',
    description: 'Redrive dead letters: deliver them from their first attempt',
    options: [['--all', 'All messages of the mailbox']],
    async run({ client, out }, [mailbox = '', ...ids], { all }) {
      if (ids.length === 0 && all !== true) throw misused('Name the ids, or say --all.')
      const opened = await client()
      const wanted = [...ids]
      if (all === true)
        for await (const { message } of opened.pages('mailboxes.deadLetters', { path: { mailbox }, query: {} }))
          wanted.push(message.id)
      const failed: { readonly id: string; readonly problem: string }[] = []
      for (const id of wanted)
        await opened
          .call('mailboxes.redrive', { path: { mailbox, message: id } })
          .catch((error: Error) => failed.push({ id, problem: error.message }))
      out.show({ redriven: wanted.length - failed.length, failed }, ({ redriven }) =>
        [
          `${redriven} are delivered again.`,
          ...failed.map(({ id, problem }) => `${safe(id)}: ${oneLine(problem)}`),
        ].join('\n'),
      )
      return failed.length > 0 ? exitCodes.failed : undefined
    },
  },
]
