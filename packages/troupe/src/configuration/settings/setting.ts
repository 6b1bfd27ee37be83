/** A setting, and the parts that several tables of settings use. */
import { type SettingKind, settingKinds } from './setting-kinds.ts'

export interface Setting {
  /** Its place in the configuration. */
  readonly path: string
  readonly kind: SettingKind
  readonly description: string
  /** The default; absent if there is none. */
  readonly standard?: unknown
  /** Where its variable is not made from its path. */
  readonly variable?: string
  /** Never shown. */
  readonly secret?: true
  /** May change while running. */
  readonly live?: true
}

/** A port of TCP. */
export const portKind = settingKinds.integer(0, 65_535)

/** A duration of at least a millisecond. */
export const timeKind = settingKinds.span(1, '1ms')
