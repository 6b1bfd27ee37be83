/** A setting, and the rows of the tables of settings. */
import type { SettingKind } from './setting-kinds.ts'

export interface Setting {
  /** Its place in the configuration. */
  readonly path: string
  readonly kind: SettingKind
  readonly description: string
  /** The default; absent if there is none. */
  readonly standard?: unknown
  /** Where its variable is not made from its path. */
  readonly variable?: string
  /** May change while running. */
  readonly live?: true
}

export const setting = (path: string, kind: SettingKind, description: string, standard?: unknown): Setting => ({
  path,
  kind,
  description,
  standard,
})

/** A setting that may change while running. */
export const liveSetting = (...row: Parameters<typeof setting>): Setting => ({ ...setting(...row), live: true })
