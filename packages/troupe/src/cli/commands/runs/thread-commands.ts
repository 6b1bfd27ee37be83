/** Commands for threads. */
import { type CliCommand, listLimit, pagingOptions, text } from '../../cli-command.ts'
import { safe } from '../../output/safe.ts'
import { ageOf } from './runs-list-command.ts'

export const threadCommands: readonly CliCommand[] = [
  {
    name: 'threads list',
    description: 'List threads with agents and teams, newest message first',
    options: pagingOptions(20),
    async run({ client, out }, _, options) {
      const asked = { query: {}, max: listLimit(options, 20) }
      const found = await Array.fromAsync((await client()).pages('threads.list', asked))
      out.table(
        found,
        [
          { name: 'THREAD', of: ({ threadId }) => threadId },
          { name: 'WITH', of: ({ agent, team }) => agent ?? team },
          { name: 'TURNS', of: ({ turns }) => String(turns) },
          { name: 'AGE', of: ({ updatedAt }) => ageOf(Date.now() - Date.parse(updatedAt)) },
          { name: 'RUN', of: ({ run }) => run ?? '' },
          { name: 'TITLE', of: ({ title }) => title },
        ],
        'There are no threads.',
      )
    },
  },
  {
    name: 'threads show',
    parameters: '<thread>',
    description: 'Show the messages of a thread',
    options: [['--with <name>', 'The agent or team (default: the one of the newest message)']],
    async run({ client, out }, [thread = ''], options) {
      const query = { name: text(options, 'with') }
      const found = await (await client()).call('threads.get', { path: { thread }, query })
      const name = found.agent ?? found.team ?? ''
      out.show(found, ({ messages }) =>
        messages
          .filter(({ role, text: shown }) => role !== 'tool' && shown !== '')
          .map(({ role, text: shown }) => safe(`${role === 'user' ? 'user' : name}: ${shown}`))
          .join('\n'),
      )
    },
  },
  {
    name: 'threads delete',
    parameters: '<thread>',
    description: 'Delete a thread with its messages, facts and files; its runs stay',
    options: [['--with <name>', 'The agent or team, if several have a thread with this id']],
    async run({ client, out }, [thread = ''], options) {
      const query = { name: text(options, 'with') }
      await (await client()).call('threads.delete', { path: { thread }, query })
      out.show({ thread, deleted: true }, () => `The thread ${safe(thread)} is deleted.`)
    },
  },
]
