/** Where the maps are among the files that are made of a picture. */
export const mapsFolder = 'maps/';

/** The names of these files. */
export const files = {
  result: 'result.json',
  report: 'report.html',
  map: (key: string): string => `${mapsFolder}${key}.png`,
} as const;

/** Where everything of an analysis is. */
export const linksOf = (id: string) => {
  const self = `/v1/analyses/${id}`;
  return { self, events: `${self}/events`, result: `${self}/${files.result}`, report: `${self}/${files.report}` };
};
