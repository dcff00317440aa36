"""The mirror as a lake of Parquet files, and the engines that build marts from it."""
