/** What there is: the configuration, the storage, the release. */
import type { Versions } from '../../runtime/index.ts'
import type { Command } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { ofStorage } from '../hands.ts'
import { oneLine, safe } from '../output/safe.ts'

interface Health {
  readonly status: string
  readonly checks?: readonly { readonly name: string; readonly status: string; readonly message?: string }[]
}

export const aboutCommands: readonly Command[] = [
  {
    name: 'config',
    here: true,
    says: 'every setting, its value and where it is from; secrets stay hidden',
    async run({ config, out }) {
      const { showConfig } = await import('../../runtime/index.ts')
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
          'Nothing is set.',
        )
        for (const { message, hint } of problems)
          out.say(`\n${out.style('red', safe(message))}${hint ? `\n${safe(hint)}` : ''}`)
      }
      return problems.length > 0 ? exitCodes.usage : exitCodes.ok
    },
  },
  {
    name: 'health',
    says: 'whether the whole works, check by check',
    options: [['--ready', 'only whether it takes work, which needs no key']],
    async run({ api, out }, _, { ready }) {
      const opened = await api()
      const report = await opened.call<Health>(ready === true ? { path: '/ready', also: 503 } : { path: '/v1/health' })
      out.document({ place: opened.place, ...report })
      out.say(`${opened.place}: ${report.status}`)
      for (const { name, status, message } of report.checks ?? [])
        out.say(
          `  ${out.style(status === 'healthy' ? 'green' : 'yellow', status.padEnd(9))}  ${oneLine(name)}${message === undefined ? '' : `: ${oneLine(message)}`}`,
        )
      return ['unhealthy', 'not ready'].includes(report.status) ? exitCodes.failed : exitCodes.ok
    },
  },
  {
    name: 'versions',
    says: 'which release writes what, and which runs need another one',
    async run({ api, out }) {
      const found = await (await api({ code: true })).call<Versions>({ path: '/v1/versions' })
      out.document(found)
      if (out.json) return undefined
      const { build, journal, schemas, agents, behind } = found
      out.facts({
        build,
        journal: `writes ${journal.writes}, reads up to ${journal.reads}`,
        tables: schemas.map(({ room, version }) => `${room} ${version}`).join(', '),
      })
      for (const { name, fingerprint } of agents) out.say(`  ${oneLine(name)}  ${fingerprint}`)
      for (const { user, run, newer, agents: changed } of behind)
        out.say(
          `${safe(run)} of ${safe(user)} began with ${newer === undefined ? `other code of ${changed.map(({ name }) => oneLine(name)).join(', ')}` : `a newer release, whose records are of form ${newer}`}`,
        )
      if (behind.length === 0) out.say('Every run in flight fits this code.')
      return undefined
    },
  },
  {
    name: 'migrate',
    here: true,
    says: 'brings the tables up to this release, and nothing else',
    async run(hands) {
      const loaded = await ofStorage(hands)
      const { openTroupe, placeOf } = await import('../api/open.ts')
      const { agents: _, topologies: __, ...rest } = loaded.config
      await (await openTroupe(rest as typeof loaded.config)).close()
      hands.out.show({ migrated: await placeOf(loaded) }, ({ migrated }) => `${migrated} is up to date.`)
      return undefined
    },
  },
  {
    name: 'info',
    here: true,
    says: 'this release, this machine, this configuration: for a report of a problem',
    async run({ config, out }) {
      const { readFile } = await import('node:fs/promises')
      const { version } = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8')) as {
        readonly version: string
      }
      const loaded = await config()
      const { placeOf } = await import('../api/open.ts')
      const facts = {
        troupe: version,
        node: process.version,
        platform: `${process.platform} ${process.arch}`,
        configuration: loaded.file ?? 'none',
        storage: await placeOf(loaded),
        profile: loaded.config.profile ?? 'development',
        teams: Object.keys(loaded.config.topologies ?? {}).join(', ') || 'none',
        problems: loaded.problems.length,
      }
      if (out.json) out.document(facts)
      else out.facts(facts)
      return undefined
    },
  },
]
