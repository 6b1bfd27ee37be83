/** Commands about the configuration, the storage and the release. */
import { version } from '../../core/index.ts'
import type { CliCommand } from '../cli-command.ts'
import { loadStorageConfig } from '../command-context.ts'
import { exitCodes } from '../exit-codes.ts'
import { oneLine, safe } from '../output/safe.ts'

export const aboutCommands: readonly CliCommand[] = [
  {
    name: 'config',
    here: true,
    description: 'Print every setting with its value and source; secrets stay hidden',
    async run({ config, out }) {
      const { showConfig } = await import('../../configuration/index.ts')
      const loaded = await config()
      const problems = loaded.problems.map(({ code, message, hint }) => ({ code, message, hint }))
      const settings = showConfig(loaded)
      if (out.json) out.document({ file: loaded.file ?? null, settings, problems })
      else {
        out.table(
          settings,
          [
            { name: 'SETTING', of: ({ path }) => path },
            { name: 'FROM', of: ({ from }) => from },
            { name: 'VALUE', of: ({ value }) => value },
          ],
          'There are no settings.',
        )
        for (const { message, hint } of problems)
          out.print(`\n${out.style('red', safe(message))}${hint ? `\n${safe(hint)}` : ''}`)
      }
      return problems.length > 0 ? exitCodes.usage : exitCodes.ok
    },
  },
  {
    name: 'health',
    description: 'Run the health checks',
    options: [['--ready', 'Only whether it accepts work; needs no key']],
    async run({ client, out }, _, { ready }) {
      const opened = await client()
      const report = await (ready === true ? opened.call('probes.ready') : opened.call('operations.health'))
      out.document({ location: opened.location, ...report })
      out.print(`${opened.location}: ${report.status}`)
      for (const { name, status, message } of 'checks' in report ? report.checks : [])
        out.print(
          `  ${out.style(status === 'healthy' ? 'green' : 'yellow', status.padEnd(9))}  ${oneLine(name)}${message === undefined ? '' : `: ${oneLine(message)}`}`,
        )
      return ['unhealthy', 'not ready'].includes(report.status) ? exitCodes.failed : exitCodes.ok
    },
  },
  {
    name: 'versions',
    description: 'Print the formats that this release reads and writes, and the runs that need another one',
    async run({ client, out }) {
      const found = await (await client({ code: true })).call('operations.versions')
      out.document(found)
      if (out.json) return undefined
      const { build, journal, schemas, agents, staleRuns } = found
      out.facts({
        build,
        journal: `writes ${journal.writes}, reads up to ${journal.reads}`,
        tables: schemas.map(({ module: moduleName, version }) => `${moduleName} ${version}`).join(', '),
      })
      for (const { name, fingerprint } of agents) out.print(`  ${oneLine(name)}  ${fingerprint}`)
      for (const { user, run, newer, agents: changed } of staleRuns)
        out.print(
          `${safe(run)} of ${safe(user)} began with ${newer === undefined ? `other code of ${changed.map(({ name }) => oneLine(name)).join(', ')}` : `a newer release, whose records are of form ${newer}`}`,
        )
      if (staleRuns.length === 0) out.print('Every run in flight fits this code.')
    },
  },
  {
    name: 'migrate',
    here: true,
    description: 'Migrate the tables to this release, and do nothing else',
    async run(context) {
      const loaded = await loadStorageConfig(context)
      const { openWithoutCode, storageLocationOf } = await import('../transport/open-transport.ts')
      await (await openWithoutCode(loaded)).close()
      context.out.show({ migrated: await storageLocationOf(loaded) }, ({ migrated }) => `${migrated} is up to date.`)
    },
  },
  {
    name: 'info',
    here: true,
    description: 'Print the release, the machine and the configuration, for a report of a problem',
    async run({ config, out }) {
      const loaded = await config()
      const { storageLocationOf } = await import('../transport/open-transport.ts')
      const facts = {
        troupe: version,
        node: process.version,
        platform: `${process.platform} ${process.arch}`,
        configuration: loaded.file ?? 'none',
        storage: await storageLocationOf(loaded),
        profile: loaded.config.profile ?? 'development',
        teams: Object.keys(loaded.config.teams ?? {}).join(', ') || 'none',
        problems: loaded.problems.length,
      }
      if (out.json) out.document(facts)
      else out.facts(facts)
    },
  },
]
