import { readImage } from '@forgelens/imaging';
import { findRegions, openLocalizer } from '@forgelens/localize';

const localizer = await openLocalizer('trionet');
const image = await readImage('examples/forged/two-dandelions.jpg');
const { probabilities, width, height, score } = await localizer.locate(image);
const regions = findRegions(probabilities, width, height, 0.5, 0.001);
console.log(`score ${score.toFixed(3)}, ${regions.length} regions`);
for (const { bbox, meanScore } of regions) console.log(bbox, meanScore);
await localizer.close();
