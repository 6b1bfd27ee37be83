/** Commands for schedules. */

import type { ClientSchemas } from '../../client/index.ts'
import { type CliCommand, choice, listed, listLimit, pagingOptions, text } from '../cli-command.ts'
import { exitCodes, misused } from '../exit-codes.ts'
import type { Output } from '../output/output.ts'
import { safe } from '../output/safe.ts'
import { readValue } from '../read-value.ts'
import { begunFrom, leaving } from './runs/run-command.ts'

type Schedule = ClientSchemas['Schedule']

function triggerText({ at: once, in: later, every, timeZone, onContext, onMessage }: Schedule): string {
  if (onContext) return `context ${onContext.pattern}`
  if (onMessage) return `message ${onMessage.type} to ${onMessage.to}`
  const time = every === undefined ? `once ${once ?? `in ${later}`}` : `every ${every}`
  return timeZone === undefined ? time : `${time} (${timeZone})`
}

const shown = (out: Output, schedule: Schedule) =>
  out.show(
    schedule,
    ({ id, state, next }) => `${safe(id)}: ${state}${next[0] === undefined ? '' : `, next ${next[0]}`}`,
  )

const steered = (verb: 'pause' | 'resume', description: string): CliCommand => ({
  name: `schedules ${verb}`,
  parameters: '<schedule>',
  description,
  async run({ client, out }, [schedule = '']) {
    shown(out, await (await client()).call(`schedules.${verb}`, { path: { schedule }, body: {} }))
  },
})

export const scheduleCommands: readonly CliCommand[] = [
  {
    name: 'schedules list',
    description: 'List schedules and their next times',
    options: pagingOptions(100),
    async run({ client, out }, _, options) {
      const max = listLimit(options, 100)
      const found = await Array.fromAsync((await client()).pages('schedules.list', { query: {}, max }))
      out.table(
        found,
        [
          { name: 'SCHEDULE', of: ({ id }) => id },
          { name: 'STATE', of: ({ state }) => state },
          { name: 'ON', of: triggerText },
          { name: 'TEAM', of: ({ team, agent, agents }) => team ?? agent ?? agents?.join(', ') },
          { name: 'NEXT', of: ({ next }) => next[0] ?? '' },
          { name: 'LAST RUN', of: ({ lastRun }) => lastRun?.id ?? '' },
          { name: 'PROBLEM', of: ({ problem }) => problem?.message ?? '' },
        ],
        'There are no schedules.',
      )
    },
  },
  {
    name: 'schedules create',
    parameters: '<team> [task]',
    description:
      'Create a schedule that starts runs of a registered team: at a time, repeatedly, at a change of context, at a message',
    options: [
      ['--id <schedule>', 'The id of the schedule; if it exists, nothing changes'],
      ['--at <time>', 'Once, at this time in ISO 8601'],
      ['--in <duration>', 'Once, after this time, such as 2h'],
      ['--every <span>', "Repeatedly: an interval such as 15m, or a cron expression such as '0 8 * * 1-5'"],
      [
        '--time-zone <name>',
        'The time zone of --every, or of --at without an offset, such as Europe/Berlin (default: UTC)',
      ],
      ['--on-context <pattern>', 'For each write of a key that matches'],
      ['--on-message <type>', 'For each message of this type'],
      ['--to <mailbox>', 'The mailbox of the messages (default: the one with the name of the schedule)'],
      ['--prepare <name>', 'The function of the configuration that returns the task'],
      ['--tags <names>', 'The tags of its runs, separated by commas'],
      ['--overlap <policy>', 'allow, skip or queue: a run that falls due while another one is in progress'],
      ['--misfire <policy>', 'skip, once or all: times that passed while no process was running'],
      ['--paused', 'Create it paused: it starts no run until `schedules resume`'],
    ],
    async run({ client, out, signal }, [team = '', task], options) {
      const [onContext, onMessage] = [text(options, 'onContext'), text(options, 'onMessage')]
      const to = text(options, 'to')
      if (to !== undefined && onMessage === undefined) throw misused('--to is the mailbox of --on-message.')
      const body = {
        id: text(options, 'id'),
        team,
        task: task === undefined ? undefined : await readValue(task, signal),
        at: text(options, 'at'),
        in: text(options, 'in'),
        every: text(options, 'every'),
        timeZone: text(options, 'timeZone'),
        onContext: onContext === undefined ? undefined : { pattern: onContext },
        onMessage: onMessage === undefined ? undefined : { type: onMessage, to },
        prepare: text(options, 'prepare'),
        tags: listed(options, 'tags'),
        overlap: choice<'allow' | 'skip' | 'queue'>(options, 'overlap'),
        misfire: choice<'skip' | 'once' | 'all'>(options, 'misfire'),
        paused: options.paused === true ? true : undefined,
      }
      const opened = await client({ code: true, absent: 'made', teams: [{ team }] })
      shown(out, await opened.call('schedules.create', { body }))
    },
  },
  steered('pause', 'Pause a schedule: it starts no run until `schedules resume`'),
  steered('resume', 'Resume a schedule'),
  {
    name: 'schedules trigger',
    parameters: '<schedule>',
    description: 'Start a run of a schedule now',
    options: [leaving],
    run: (context, [schedule = ''], options) =>
      begunFrom(context, options, (client) => client.call('schedules.trigger', { path: { schedule } })),
  },
  {
    name: 'schedules delete',
    parameters: '<schedule>',
    description: 'Delete a schedule; the runs that it started continue',
    async run({ client, out }, [schedule = '']) {
      const { deleted } = await (await client()).call('schedules.delete', { path: { schedule } })
      out.show({ deleted }, () => (deleted ? 'Deleted.' : 'There is no such schedule.'))
      return deleted ? undefined : exitCodes.missing
    },
  },
]
