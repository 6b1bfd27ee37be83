/** Writes docs/settings.md from the tables of settings and of aliases; a test keeps them equal. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Alias, aliases, notForTroupe } from '../packages/troupe/src/configuration/settings/aliases.ts'
import type { Setting } from '../packages/troupe/src/configuration/settings/setting.ts'
import { settings, variableOf } from '../packages/troupe/src/configuration/settings/settings.ts'

export const settingsDoc = fileURLToPath(new URL('../docs/settings.md', import.meta.url))

const cells = (...texts: readonly string[]) => `| ${texts.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`
const isLive = (path: string) =>
  settings.some((one) => one.live && (one.path === path || path.startsWith(`${one.path}.`)))

const rowOf = (setting: Setting) => {
  const { path, kind, standard, description } = setting
  const value =
    standard === undefined ? '' : `\`${typeof standard === 'string' ? standard : JSON.stringify(standard)}\``
  return cells(
    `\`${path}\``,
    `\`${variableOf(setting)}\``,
    `${description}: ${kind.description}${kind.secret ? '; never shown' : ''}`,
    value,
    isLive(path) ? 'yes' : '',
  )
}

const descriptionOf = (alias: Alias) =>
  'always' in alias
    ? `accepted when true; ${alias.always}`
    : 'path' in alias
      ? `\`${alias.path}\`, ${alias.description}`
      : `\`${alias.requires}\`, ${alias.description}`

/** The page's text. */
export const renderSettings = (): string =>
  [
    '# Settings',
    '',
    '<!-- written by `node scripts/settings-doc.ts` -->',
    '',
    'Every setting of a deployment can be set in the configuration file, as an environment variable, or in the `flags` of',
    '`loadConfig`, named by its path; see [configuration.md](configuration.md). A setting marked as live also changes in a running',
    'process, by `troupe.reconfigure({ … })`; any other setting needs a restart. A variable for a structure contains JSON.',
    '',
    '| setting | variable | meaning | default | live |',
    '|---|---|---|---|---|',
    ...settings.map(rowOf),
    '',
    '## Variables of other frameworks',
    '',
    'Troupe reads these variables with the meaning that the guides give them. A variable that turns off a feature which is always on is rejected with the reason.',
    '',
    '| variable | setting |',
    '|---|---|',
    ...Object.entries(aliases).map(([name, alias]) => cells(`\`${name}\``, descriptionOf(alias))),
    ...Object.entries(notForTroupe).map(([name, component]) => cells(`\`${name}\``, `none: ${component} reads it`)),
    '',
  ].join('\n')

if (import.meta.main) writeFileSync(settingsDoc, renderSettings())
