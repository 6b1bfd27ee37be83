/** A value that a source gave for a setting. */
export interface Origin {
  readonly source: 'default' | 'file' | '.env' | 'environment' | 'flag' | 'host'
  /** The path of the file, or the name of the variable or flag; the profile, for its defaults; what `reconfigure` was told. */
  readonly name: string
}

export interface Found {
  readonly path: string
  readonly value: unknown
  readonly origin: Origin
}

export const originText = ({ source, name }: Origin): string =>
  source === 'file' || source === 'default' || source === 'host'
    ? name
    : source === '.env'
      ? `${name} in .env`
      : `the ${source === 'flag' ? 'flag' : 'variable'} ${name}`
