/** What runs until it is ended: a server, a worker, a server that begins anew when the code changes. */
import type { Command, Hands } from '../command.ts'
import { text, whole } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { unlessStopped, usable } from '../hands.ts'
import { tuneCollector } from '../tune-collector.ts'

export const serveCommands: readonly Command[] = [
  {
    name: 'serve',
    here: true,
    says: 'serves the troupe of the configuration: its API, its page, its runs',
    options: [
      ['--host <address>', 'where it listens (default: 127.0.0.1)'],
      ['--port <n>', 'where it listens; 0 takes a free one (default: 8000)'],
    ],
    async run(hands, _, options) {
      tuneCollector()
      const loaded = usable(await hands.withTeams())
      const [{ serve }, { openTroupe, placeOf }] = await Promise.all([
        import('../../server/index.ts'),
        import('../api/open.ts'),
      ])
      const troupe = await unlessStopped(hands.signal, openTroupe(loaded.config))
      const storage = await placeOf(loaded)
      const host = text(options, 'host')
      try {
        const server = await serve(troupe, {
          ...loaded.server,
          ...(host === undefined ? {} : { host }),
          ...(options.port === undefined ? {} : { port: whole(options, 'port', 8_000) }),
        })
        const { url, metricsUrl: metrics } = server
        hands.out.line({
          type: 'serving',
          url,
          ...(metrics ? { metrics } : {}),
          storage,
          pid: process.pid,
        })
        hands.out.say(`Serving ${storage} at ${server.url}. Ctrl-C ends it.`)
        if (hands.interactive) hands.out.say(`Open ${await server.link()} (works once, within five minutes)`)
        await ended(hands)
        hands.out.say('Ending: what is under way is finished or given back.')
        const { isComplete } = await troupe.drain({ closing: [() => server.close()] })
        return isComplete ? exitCodes.ok : exitCodes.failed
      } finally {
        await troupe.close()
      }
    },
  },
  {
    name: 'worker',
    here: true,
    says: 'carries runs and messages on, and listens nowhere: beside a server, on one PostgreSQL',
    async run(hands) {
      tuneCollector()
      const loaded = usable(await hands.withTeams())
      const { openTroupe, placeOf } = await import('../api/open.ts')
      await using troupe = await unlessStopped(hands.signal, openTroupe(loaded.config))
      const storage = await placeOf(loaded)
      const { serveMetrics } = await import('../../server/index.ts')
      await using metrics = loaded.server.metrics && (await serveMetrics(troupe, loaded.server.metrics))
      const told = metrics ? { metrics: metrics.url } : {}
      hands.out.line({ type: 'working', ...told, storage, pid: process.pid })
      hands.out.say(`Working on ${storage}. Ctrl-C ends it.`)
      await ended(hands)
      const { isComplete } = await troupe.drain()
      return isComplete ? exitCodes.ok : exitCodes.failed
    },
  },
  {
    name: 'dev',
    here: true,
    says: 'serves, and begins anew whenever a file of this folder changes',
    options: [['--port <n>', 'where it listens (default: 8000)']],
    async run(hands, _, options) {
      const { develop } = await import('../develop.ts')
      return develop(hands, options.port === undefined ? [] : ['--port', String(options.port)])
    },
  },
]

const ended = ({ signal }: Hands) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
