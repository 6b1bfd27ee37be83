/** The source of the value of a setting. */
export interface SettingSource {
  /** The kind of the source; `host` is the application. */
  readonly source: 'default' | 'file' | '.env' | 'environment' | 'flag' | 'host'
  /**
   * The path of the file, or the name of the variable or flag; the profile for its defaults; the argument of
   * `reconfigure`.
   */
  readonly name: string
}

/** A setting with its value and source. */
export interface FoundSetting {
  /** The path of the setting, such as `server.port`. */
  readonly path: string
  /** The value. */
  readonly value: unknown
  /** The source of the value. */
  readonly origin: SettingSource
}

/** Returns a source as text for people. */
export const settingSourceText = ({ source, name }: SettingSource): string =>
  source === 'file' || source === 'default' || source === 'host'
    ? name
    : source === '.env'
      ? `${name} in .env`
      : `the ${source === 'flag' ? 'flag' : 'variable'} ${name}`
