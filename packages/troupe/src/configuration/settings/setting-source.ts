/** A value that a source gave for a setting. */
export interface SettingSource {
  readonly source: 'default' | 'file' | '.env' | 'environment' | 'flag' | 'host'
  /** The path of the file, or the name of the variable or flag; the profile, for its defaults; what `reconfigure` was told. */
  readonly name: string
}

export interface FoundSetting {
  readonly path: string
  readonly value: unknown
  readonly origin: SettingSource
}

export const settingSourceText = ({ source, name }: SettingSource): string =>
  source === 'file' || source === 'default' || source === 'host'
    ? name
    : source === '.env'
      ? `${name} in .env`
      : `the ${source === 'flag' ? 'flag' : 'variable'} ${name}`
