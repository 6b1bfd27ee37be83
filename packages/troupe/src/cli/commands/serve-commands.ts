/** Commands that run until they are ended: a server, a worker, and a server that restarts when code changes. */
import type { LoadedConfig } from '../../configuration/index.ts'
import type { CliCommand, CommandContext, Options } from '../cli-command.ts'
import { integerOption, text } from '../cli-command.ts'
import { unlessStopped, usable } from '../command-context.ts'
import { exitCodes, misused } from '../exit-codes.ts'
import { missingConfig, missingConfigRemedy } from '../teams/missing-config.ts'
import { tuneCollector } from '../tune-collector.ts'

export const serveCommands: readonly CliCommand[] = [
  {
    name: 'serve',
    here: true,
    description: 'Serve the troupe of the configuration: its API, its studio and its runs',
    options: [
      ['--host <address>', 'Listen at this address (default: 127.0.0.1)'],
      ['--port <n>', 'Listen at this port; 0 selects a free one (default: 8000)'],
    ],
    async run(context, _, options) {
      const port = portOption(options)
      tuneCollector()
      const loaded = usable(await context.withTeams())
      noteMissingConfig(context, loaded)
      const [{ serve }, { createLocalTroupe, storageLocationOf }] = await Promise.all([
        import('../../server/index.ts'),
        import('../transport/open-transport.ts'),
      ])
      const troupe = await unlessStopped(context.signal, createLocalTroupe(loaded.config))
      const storage = await storageLocationOf(loaded)
      const host = text(options, 'host')
      try {
        const server = await serve(troupe, {
          ...loaded.server,
          ...(host === undefined ? {} : { host }),
          ...(port === undefined ? {} : { port }),
        })
        const { url, metricsUrl: metrics } = server
        context.out.line({
          type: 'serving',
          url,
          ...(metrics ? { metrics } : {}),
          storage,
          pid: process.pid,
        })
        context.out.print(`Serving ${storage} at ${server.url}. Ctrl-C ends it.`)
        using listening = new DisposableStack()
        if (context.interactive) {
          const printLink = async () =>
            context.out.print(`Open ${await server.link()} (works once, within five minutes; Enter prints another)`)
          await printLink()
          const onEnter = () => void printLink().catch(() => {})
          process.stdin.on('data', onEnter)
          listening.defer(() => process.stdin.off('data', onEnter).pause())
        }
        await ended(context)
        context.out.print('Stopping: work in progress is finished or released.')
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
    description: 'Execute runs and deliver messages without listening: beside a server, on one PostgreSQL',
    async run(context) {
      tuneCollector()
      const loaded = usable(await context.withTeams())
      noteMissingConfig(context, loaded)
      const { createLocalTroupe, storageLocationOf } = await import('../transport/open-transport.ts')
      await using troupe = await unlessStopped(context.signal, createLocalTroupe(loaded.config))
      const storage = await storageLocationOf(loaded)
      const { serveMetrics } = await import('../../server/index.ts')
      await using metrics = loaded.server.metrics && (await serveMetrics(troupe, loaded.server.metrics))
      const endpoints = metrics ? { metrics: metrics.url } : {}
      context.out.line({ type: 'working', ...endpoints, storage, pid: process.pid })
      context.out.print(`Working on ${storage}. Ctrl-C ends it.`)
      await ended(context)
      const { isComplete } = await troupe.drain()
      return isComplete ? exitCodes.ok : exitCodes.failed
    },
  },
  {
    name: 'dev',
    here: true,
    description: 'Serve, and restart whenever a file of this folder changes',
    options: [['--port <n>', 'Listen at this port (default: 8000)']],
    async run(context, _, options) {
      const port = portOption(options)
      const { develop } = await import('../develop.ts')
      return develop(context, port === undefined ? [] : ['--port', String(port)])
    },
  },
]

/** @throws CliError if the value is no port. Read before the troupe opens, since an open troupe executes runs. */
function portOption(options: Options): number | undefined {
  if (options.port === undefined) return undefined
  const port = integerOption(options, 'port', 0)
  if (port > 65_535) throw misused(`--port takes a number from 0 to 65535, and got ${port}.`)
  return port
}

/** Prints a note about a missing configuration. The storage is served anyway, because its data can be viewed. */
function noteMissingConfig({ out }: CommandContext, loaded: LoadedConfig): void {
  const missing = missingConfig(loaded)
  if (missing !== undefined) out.note(`${missing} ${missingConfigRemedy}`)
}

const ended = ({ signal }: CommandContext) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
