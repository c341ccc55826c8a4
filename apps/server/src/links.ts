/** Where the pictures of a result are, relative to it. */
export const mapsFolder = 'maps';

/** Where everything of an analysis is. */
export const linksOf = (id: string) => {
  const self = `/v1/analyses/${id}`;
  return { self, events: `${self}/events`, result: `${self}/result.json`, report: `${self}/report.html` };
};
