"""Power operator without network and without commitment: merit order, storage and trains."""
