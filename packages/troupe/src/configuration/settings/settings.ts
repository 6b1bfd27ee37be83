/**
 * Every setting of a deployment: its path in the configuration, its variable, its default, and whether it may change
 * while the troupe works. The loader, `reconfigure`, and docs/settings.md read this table.
 */
import { generalSettings } from './general-settings.ts'
import { serverSettings } from './server-settings.ts'
import type { Setting } from './setting.ts'
import { storageSettings } from './storage-settings.ts'
import { workSettings } from './work-settings.ts'

export const settings: readonly Setting[] = [...generalSettings, ...storageSettings, ...workSettings, ...serverSettings]

/** `messaging.maxAttempts` is `TROUPE_MESSAGING_MAX_ATTEMPTS`. */
export const variableOf = ({ path, variable }: Setting): string =>
  variable ??
  `TROUPE_${path
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase()}`

/** Returns the names directly below a path of the configuration. */
export const childrenOf = (path: string): readonly string[] => [
  ...new Set(
    settings.flatMap((setting) =>
      setting.path.startsWith(`${path}.`) ? [setting.path.slice(path.length + 1).split('.')[0] as string] : [],
    ),
  ),
]

export const settingAt = (path: string): Setting | undefined => settings.find((setting) => setting.path === path)
